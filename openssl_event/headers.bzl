"""The public headers; all others are for the library itself."""

PUBLIC = [
    "openssl_engine.h",
    "openssl_event.h",
    "openssl_lookup.h",
    "openssl_operations.h",
    "openssl_record_path.h",
    "openssl_records.h",
]
