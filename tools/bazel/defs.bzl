"""The C and C++ rules of this project: the native ones with its warnings on.

The language levels (C++20, C99) and the sanitizers are set in .bazelrc.
"""

OE_COPTS = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wpointer-arith",
    "-Wcast-qual",
    "-Wundef",
    "-Wvla",
    "-Werror",
]

def oe_cc_library(name, copts = [], **kwargs):
    native.cc_library(name = name, copts = OE_COPTS + copts, **kwargs)

def oe_cc_binary(name, copts = [], **kwargs):
    native.cc_binary(name = name, copts = OE_COPTS + copts, **kwargs)

def oe_cc_test(name, copts = [], deps = [], main = True, size = "small", **kwargs):
    """A GoogleTest program.

    Args:
      name: the target's name.
      copts: options after the project's own.
      deps: beside GoogleTest, which is added.
      main: False if a source file brings its own main().
      size: "small": one minute; see the rule cc_test.
      **kwargs: as for cc_test. The tag "core" puts a test into the sanitizer
        runs of CI, the tag "slow" keeps it out of the fast tier.
    """
    gtest = "//tools/bazel/system:gtest_main" if main else "//tools/bazel/system:gtest"
    native.cc_test(
        name = name,
        size = size,
        copts = OE_COPTS + copts,
        deps = deps + [gtest],
        **kwargs
    )

def oe_cc_test_cases(name, deps = [], **kwargs):
    """The cases of several oe_cc_test that differ in their environment only: compiled once, for their deps.

    Args:
      name: the target's name.
      deps: beside GoogleTest, which is added.
      **kwargs: as for cc_library.
    """
    oe_cc_library(
        name = name,
        testonly = True,
        deps = deps + ["//tools/bazel/system:gtest"],
        alwayslink = True,  # nothing refers to a case
        **kwargs
    )

def oe_cc_fuzz_target(name, copts = [], tags = [], **kwargs):
    """A libFuzzer program: a file with LLVMFuzzerTestOneInput.

    It links under --config=fuzz only (clang: scripts/setup --fuzz), so //...
    leaves it out; scripts/test --full runs it.
    """
    native.cc_binary(
        name = name,
        testonly = True,
        copts = OE_COPTS + copts,
        linkopts = ["-fsanitize=fuzzer"],
        tags = tags + ["fuzz", "manual"],
        **kwargs
    )
