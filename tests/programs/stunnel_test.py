#!/usr/bin/python3 -B
"""stunnel as server and as client: a thread for each connection, non-blocking sockets, poll."""

import os
import signal
import ssl

from support import cases
from support.echo import EchoServer
from support.https import context
from support.process import free_port, wait_until
from support.talk import echoed, echoed_in_parallel

_CONTENT = os.urandom(300_000)


class Stunnel(cases.ProgramTest):
    def setUp(self):
        super().setUp()
        self.echo = EchoServer(self)

    def stunnel(self, under, target, *options, key="rsa", client=False):
        """Its port, and the program."""
        port = free_port()
        lines = ["foreground = yes", "debug = 5", "pid =", "[service]", f"accept = 127.0.0.1:{port}",
                 f"connect = 127.0.0.1:{target}", f"client = {'yes' if client else 'no'}", *options]
        if key:
            lines += [f"cert = {self.credentials.certificate(key)}", f"key = {self.credentials.key(key)}"]
        program = self.start(["stunnel4", self.write_file(f"conf-{port}", "\n".join(lines) + "\n")], under)
        program.wait_for("Configuration successful")
        program.wait_for_port(port)
        return port, program

    def end(self, program):
        """It writes its statistics at exit."""
        self.assertEqual(program.stop(), 0, program.output())

    def tls(self, version=None):
        return context(self.credentials.authority, version)

    def test_server(self):
        for key in ("rsa", "ec", "rsa4096"):
            with self.subTest(key):
                def scenario(under, key=key):
                    port, program = self.stunnel(under, self.echo.port, key=key)
                    results = [echoed(port, _CONTENT, self.tls(version)) for version in
                               (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)]
                    self.end(program)
                    return results
                self.assert_on_workers(self.both(scenario), 2)

    def test_server_and_client_that_verify_each_other(self):
        def scenario(under):
            verify = ["verifyChain = yes", f"CAfile = {self.credentials.authority}"]
            far, server = self.stunnel(under, self.echo.port, *verify, "requireCert = yes")
            near, client = self.stunnel(under, far, *verify, "checkHost = localhost", key="ec", client=True)
            results = [echoed(near, _CONTENT) == _CONTENT for _ in range(3)]
            self.end(client)
            self.end(server)
            return results
        self.assert_on_workers(self.both(scenario), 2)

    def test_many_connections(self):
        def scenario(under):
            port, program = self.stunnel(under, self.echo.port, "sessionCacheSize = 1")
            results = echoed_in_parallel(port, b"short", 20, self.tls())
            self.end(program)
            return results
        self.assert_on_workers(self.both(scenario), 20)

    def test_reload(self):
        def scenario(under):
            port, program = self.stunnel(under, self.echo.port)
            before = echoed(port, b"before", self.tls())
            program.send_signal(signal.SIGHUP)
            wait_until(lambda: program.output().count("Configuration successful") == 2, f"{program} to reload")
            program.wait_for_port(port)
            after = echoed(port, b"after", self.tls())
            self.end(program)
            return before, after
        self.assert_on_workers(self.both(scenario), 2)


if __name__ == "__main__":
    cases.main()
