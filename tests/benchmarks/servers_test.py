#!/usr/bin/python3 -B
"""benchmarks/servers/run, one short round of each: every figure is printed. Says nothing about speed."""

import os
import re
import subprocess
import sys
import unittest

_FIGURES = {f"{server}_{figure}" for server in ("epoll", "io_uring") for figure in (
    "keepalive_rate_ratio", "keepalive_cpu_ratio", "keepalive_rate_ratio_64_connections", "keepalive_cpu_ratio_64_connections",
    "1mib_rate_ratio", "1mib_cpu_ratio",
    "handshake_rate_ratio_rsa2048", "handshake_rate_ratio_p256", "handshake_cpu_ratio_rsa2048", "handshake_cpu_ratio_p256",
    "handshake_workers_cpu_ratio_rsa2048", "handshake_workers_cpu_ratio_p256", "handshake_in_place_below_100us_cpu_ratio_p256",
    "storm_p99_ratio_rsa4096")}
_PROGRAM, _EPOLL, _IO_URING, _STORM_CLIENT = sys.argv[1:5]


class ServersBenchmark(unittest.TestCase):
    def test_prints_each_figure(self):
        done = subprocess.run([os.path.abspath(_PROGRAM), "--quick", "--epoll", _EPOLL, "--io-uring", _IO_URING,
                               "--storm-client", _STORM_CLIENT], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = dict(re.findall(r"^FIGURE (\w+) ([\d.]+)$", done.stdout, re.MULTILINE))
        self.assertEqual(set(figures), _FIGURES)
        self.assertTrue(all(float(value) > 0 for value in figures.values()), figures)
        self.assertIn("by the clock", done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
