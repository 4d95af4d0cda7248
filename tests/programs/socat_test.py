#!/usr/bin/python3 -B
"""socat with TLS on both of its sides: select, and a process for each connection."""

import os
import ssl

from support import cases
from support.echo import EchoServer
from support.https import context
from support.process import free_port, wait_until
from support.talk import echoed, echoed_in_parallel

_CONTENT = os.urandom(300_000)


class Socat(cases.ProgramTest):
    def setUp(self):
        super().setUp()
        self.echo = EchoServer(self)

    def listen(self, under, options, target, key="rsa"):
        """Its port, and the program."""
        port = free_port()
        address = f"OPENSSL-LISTEN:{port},bind=127.0.0.1,reuseaddr,cert={self.credentials.both(key)},{options}"
        program = self.start(["socat", "-d", "-d", address, target], under)
        program.wait_for("listening on")
        return port, program

    def plain_target(self):
        return f"TCP:127.0.0.1:{self.echo.port}"

    def test_server(self):
        for key in ("rsa", "ec", "ed25519"):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with self.subTest(f"{key} {version.name}"):
                    def scenario(under, key=key, version=version):
                        port, program = self.listen(under, "verify=0", self.plain_target(), key)
                        result = echoed(port, _CONTENT, context(self.credentials.authority, version))
                        return result, program.wait()
                    self.assert_on_workers(self.both(scenario), 1)

    def test_server_and_client_that_verify_each_other(self):
        def scenario(under):
            port, server = self.listen(under, f"verify=1,cafile={self.credentials.authority}", self.plain_target())
            near = free_port()
            identity = f"cert={self.credentials.both('ec')},cafile={self.credentials.authority},commonname=localhost"
            client = self.start(["socat", "-d", "-d", f"TCP-LISTEN:{near},bind=127.0.0.1",
                                 f"OPENSSL:127.0.0.1:{port},{identity}"], under)
            client.wait_for("listening on")
            return echoed(near, _CONTENT) == _CONTENT, client.wait(), server.wait()
        self.assert_on_workers(self.both(scenario), 2)

    def test_a_process_for_each_connection(self):
        def scenario(under):
            port, _ = self.listen(under, "verify=0,fork", self.plain_target())
            results = echoed_in_parallel(port, b"short", 8, context(self.credentials.authority))
            if under.name == "layer":
                wait_until(lambda: under.total()["offloaded"] == 8, "the statistics of all children")
            return results
        self.both(scenario)

    def test_a_stranger_is_refused(self):
        def scenario(under):
            port, server = self.listen(under, "verify=0", self.plain_target())
            stranger = self.credentials.certificate("ec")  # no authority
            output = self.run_program(["socat", "-u", f"OPENSSL:127.0.0.1:{port},cafile={stranger}", "-"], under,
                                      status=1)
            return "certificate verify failed" in output, server.wait()
        self.assert_on_workers(self.both(scenario), 1)


if __name__ == "__main__":
    cases.main()
