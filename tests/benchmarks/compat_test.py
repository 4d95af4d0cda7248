#!/usr/bin/python3 -B
"""benchmarks/compat/run, one short round of each: every figure is printed. Says nothing about speed."""

import os
import re
import subprocess
import sys
import unittest

_FIGURES = {
    *(f"nginx_{key}_{what}_ratio" for key in ("rsa4096", "rsa2048") for what in ("p50", "p99", "rate")),
    "compat_16k_ratio", "compat_100b_ratio", "client_ratio", "client_wrk_ratio", "client_curl_ratio",
            "start_up_added_ms"}
_PROGRAM, _LIBRARY, _STORM_CLIENT, _THROUGHPUT = sys.argv[1:5]


class CompatBenchmark(unittest.TestCase):
    def test_prints_each_figure(self):
        done = subprocess.run([os.path.abspath(_PROGRAM), "--quick", "--library", _LIBRARY, "--storm-client",
                               _STORM_CLIENT,
                               "--throughput", _THROUGHPUT], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = dict(re.findall(r"^FIGURE (\w+) (-?[\d.]+)$", done.stdout, re.MULTILINE))
        self.assertEqual(set(figures), _FIGURES)
        self.assertIn("nginx, RSA-4096", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
