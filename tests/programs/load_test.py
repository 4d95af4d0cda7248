#!/usr/bin/python3 -B
"""wrk and h2load: clients with many connections and without a private key."""

import re

from support import cases
from support.nginx import Nginx


class Load(cases.ProgramTest):
    def setUp(self):
        super().setUp()
        self.server = Nginx(self, keys=["rsa", "ec"], listen="ssl http2")

    def assert_same_without_key(self, scenario):
        counts = self.both(scenario)
        self.assertEqual(counts["calls"], 0, counts)

    def wrk(self, under, *options):
        output = self.run_program(["wrk", "--threads", "2", "--connections", "16", "--duration", "1s", "--timeout",
                                   "60s",
                                   *options, self.server.url("/hello")], under)
        self.assertGreater(int(re.search(r"(\d+) requests in", output)[1]), 0, output)
        return re.findall("Socket errors.*|Non-2xx.*", output)

    def h2load(self, under, *options):
        output = self.run_program(["h2load", "--requests", "200", "--clients", "10", *options,
                                   self.server.url("/hello")], under)
        return re.findall("requests: .*|status codes: .*|TLS Protocol: .*|Application protocol: .*", output)

    def test_wrk_with_kept_connections(self):
        self.assert_same_without_key(self.wrk)

    def test_wrk_with_a_connection_for_each_request(self):
        self.assert_same_without_key(lambda under: self.wrk(under, "--header", "Connection: close"))

    def test_h2load(self):
        self.assert_same_without_key(self.h2load)
        self.assert_same_without_key(lambda under: self.h2load(under, "--max-concurrent-streams", "10", "--threads",
                                                               "2"))
        self.assert_same_without_key(lambda under: self.h2load(under, "--h1"))

    def test_h2load_against_a_server_under_the_layer(self):
        def scenario(under):
            self.server = Nginx(self, under, listen="ssl http2", workers=2)
            results = self.h2load(None)
            self.assertEqual(self.server.quit(), 0)
            return results
        self.assert_on_workers(self.both(scenario), 10)


if __name__ == "__main__":
    cases.main()
