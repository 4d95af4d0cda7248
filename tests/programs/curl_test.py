#!/usr/bin/python3 -B
"""curl: a client, most often without a private key, with BIOs of its own."""

import os

from support import cases
from support.nginx import Nginx


class Curl(cases.ProgramTest):
    def setUp(self):
        super().setUp()
        self.server = Nginx(self, keys=["rsa", "ec"], listen="ssl http2", server=f"""
            ssl_client_certificate {self.credentials.authority};
            ssl_verify_client optional;""")
        self.content = os.urandom(2_000_000)
        self.server.put_file("large", self.content)

    def curl(self, under, *options, status=0):
        return self.run_program(["curl", "--silent", "--show-error", "--max-time", "60", "--cacert",
                                 self.credentials.authority,
                                 *options], under, status=status)

    def assert_same(self, *options, calls=0, status=0):
        counts = self.both(lambda under: self.curl(under, *options, status=status))
        self.assertEqual(counts["calls"], calls, counts)
        self.assert_on_workers(counts, calls)

    def test_versions_and_protocols(self):
        for options in (["--tlsv1.3"], ["--tls-max", "1.2"], ["--http1.1"], ["--http2"], ["--http1.0"],
                        ["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"], ["--curves", "P-384"]):
            with self.subTest(" ".join(options)):
                self.assert_same(*options, "--write-out", "%{http_version} %{ssl_verify_result} %{response_code}\n",
                                 self.server.url("/about"))

    def test_large_answers_arrive_whole(self):
        def scenario(under):
            target = self.path("target-" + under.name)
            self.curl(under, "--output", target, self.server.url("/large"))
            with open(target, "rb") as file:
                return file.read() == self.content
        self.assertEqual(self.both(scenario)["calls"], 0)

    def test_large_requests(self):
        body = self.write_file("body", self.content)
        self.assert_same("--http1.1", "--data-binary", "@" + body, "--write-out", "%{size_upload} %{response_code}\n",
                         self.server.url("/hello"))

    def test_several_transfers_on_one_connection_and_on_many(self):
        urls = [self.server.url("/hello")] * 6
        self.assert_same("--write-out", "%{num_connects}", *urls)
        self.assert_same("--http1.1", "--parallel", "--parallel-immediate", "--no-progress-meter", *urls)

    def test_client_certificates(self):
        for key in ("rsa", "ec", "ed25519"):
            for version in (["--tlsv1.3"], ["--tls-max", "1.2"]):
                with self.subTest(key + " " + version[-1]):
                    self.assert_same(*version, "--cert", self.credentials.certificate(key), "--key",
                                     self.credentials.key(key),
                                     self.server.url("/about"), calls=1)

    def test_what_goes_wrong(self):
        self.assert_same("--cacert", "/dev/null", self.server.url("/hello"), status=77)
        self.assert_same("--connect-to", f"elsewhere:{self.server.port}:localhost:{self.server.port}",
                         f"https://elsewhere:{self.server.port}/hello", status=60)
        self.assert_same("--tls-max", "1.1", self.server.url("/hello"), status=35)


if __name__ == "__main__":
    cases.main()
