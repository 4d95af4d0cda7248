"""Where OpenSSL comes from: the system, or the prefix in OPENSSL_PREFIX."""

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

def _openssl_repository_impl(ctx):
    prefix = ctx.os.environ.get("OPENSSL_PREFIX", "")
    if not prefix:
        ctx.file("BUILD", _SYSTEM)
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

openssl_repository = repository_rule(
    implementation = _openssl_repository_impl,
    environ = ["OPENSSL_PREFIX"],
    local = True,
    doc = """Makes @openssl//:ssl and @openssl//:crypto.

`OPENSSL_PREFIX=/opt/openssl-3.5 bazel test //...` builds against the headers
and shared libraries under that prefix; without it the system's are used.""",
)
