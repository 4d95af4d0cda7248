"""Where OpenSSL comes from: the system, or the prefix in OPENSSL_PREFIX; and a FIPS provider, where there is one."""

_SYSTEM = """
package(default_visibility = ["//visibility:public"])

cc_library(
    name = "ssl",
    linkopts = ["-lssl"],
    deps = [":crypto"],
)

cc_library(
    name = "crypto",
    linkopts = ["-lcrypto"],
)
"""

_PREFIX = """
package(default_visibility = ["//visibility:public"])

cc_library(
    name = "ssl",
    linkopts = ["-lssl"],
    deps = [":crypto"],
)

cc_library(
    name = "crypto",
    hdrs = glob(["include/openssl/*.h"]),
    includes = ["include"],
    linkopts = [
        "-L{lib}",
        "-Wl,-rpath,{lib}",
        "-lcrypto",
    ],
)
"""

_VERSION = """
OPENSSL_MAJOR = {major}

# For tests whose children are programs of the system: where the OpenSSL of this build is, if it is another one.
OPENSSL_ENVIRONMENT = {environment}

# The path of a FIPS provider; "": there is none.
FIPS_MODULE = {fips}
"""

def _find_fips(ctx, lib):
    named = ctx.os.environ.get("OPENSSL_FIPS_MODULE", "")
    if named and not ctx.path(named).exists:
        fail("OPENSSL_FIPS_MODULE=%s is not there" % named)
    beside = lib + "/ossl-modules/fips.so"
    return named or (beside if lib and ctx.path(beside).exists else "")

def _write_version(ctx, header, environment):
    text = ctx.read(header)
    major = text.partition("define OPENSSL_VERSION_MAJOR")[2].partition("\n")[0].strip()
    fips = _find_fips(ctx, environment.get("OPENSSL_LIBRARIES", ""))
    ctx.file("version.bzl", _VERSION.format(major = major, environment = repr(environment), fips = repr(fips)))

def _openssl_repository_impl(ctx):
    prefix = ctx.os.environ.get("OPENSSL_PREFIX", "")
    if not prefix:
        ctx.file("BUILD", _SYSTEM)
        _write_version(ctx, "/usr/include/openssl/opensslv.h", {})
        return
    if not ctx.path(prefix + "/include/openssl/ssl.h").exists:
        fail("OPENSSL_PREFIX=%s has no include/openssl/ssl.h" % prefix)
    lib = prefix + "/lib"
    if not ctx.path(lib + "/libssl.so").exists:
        lib = prefix + "/lib64"
    if not ctx.path(lib + "/libssl.so").exists:
        fail("OPENSSL_PREFIX=%s has libssl.so neither in lib nor in lib64" % prefix)
    ctx.symlink(prefix + "/include", "include")
    ctx.file("BUILD", _PREFIX.format(lib = lib))
    environment = {"OPENSSL_PREFIX": prefix, "OPENSSL_LIBRARIES": lib}
    _write_version(ctx, prefix + "/include/openssl/opensslv.h", environment)

openssl_repository = repository_rule(
    implementation = _openssl_repository_impl,
    environ = [
        "OPENSSL_FIPS_MODULE",
        "OPENSSL_PREFIX",
    ],
    local = True,
    doc = """Makes @openssl//:ssl and @openssl//:crypto, and @openssl//:version.bzl, which tells about it.

`OPENSSL_PREFIX=/opt/openssl-3.5 bazel test //...` builds against the headers
and shared libraries under that prefix; without it the system's are used. The
FIPS provider of the prefix, or the one that OPENSSL_FIPS_MODULE names, is what
tests/fips runs with.""",
)
