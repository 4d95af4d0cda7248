#!/usr/bin/python3 -B
"""redis-server, redis-cli and redis-benchmark with TLS on both sides."""

from support import cases
from support.process import free_port, wait_until


class Redis(cases.ProgramTest):
    def tls(self, key):
        return {"cert": self.credentials.certificate(key), "key": self.credentials.key(key),
                "cacert": self.credentials.authority}

    def serve(self, under, *options, key="rsa"):
        """Its port, and the program."""
        port = free_port()
        names = {"cert": "--tls-cert-file", "key": "--tls-key-file", "cacert": "--tls-ca-cert-file"}
        files = [part for name, path in self.tls(key).items() for part in (names[name], path)]
        server = self.start(["redis-server", "--port", "0", "--tls-port", port, "--bind", "127.0.0.1", "--save", "",
                             *files,
                             "--dir", self.directory, "--dbfilename", f"dump-{port}", *options], under)
        server.wait_for("Ready to accept connections")
        return port, server

    def tool(self, under, name, port, *arguments, key="ec", text=None):
        files = [part for option, path in self.tls(key).items() for part in ("--" + option, path)]
        return self.run_program([name, "-h", "127.0.0.1", "-p", port, "--tls", *files, *arguments], under, text=text)

    def cli(self, under, port, *arguments, **options):
        return self.tool(under, "redis-cli", port, *arguments, **options)

    def end(self, server):
        """It writes its statistics at exit."""
        self.assertEqual(server.stop(), 0, server.output())

    def test_commands(self):
        for server_key, client_key in (("rsa", "ec"), ("ec", "rsa"), ("ed25519", "ed25519")):
            with self.subTest(server_key):
                def scenario(under, server_key=server_key, client_key=client_key):
                    port, server = self.serve(under, key=server_key)
                    script = "SET a 1\nINCR a\nGET a\nLPUSH list x y z\nLRANGE list 0 -1\nNO SUCH\n"
                    answers = [self.cli(under, port, text=script, key=client_key),
                               self.cli(under, port, "GET", "a", key=client_key)]
                    self.end(server)
                    return answers
                self.assert_on_workers(self.both(scenario), 4)

    def test_versions(self):
        for version in ("TLSv1.2", "TLSv1.3"):
            with self.subTest(version):
                def scenario(under, version=version):
                    port, server = self.serve(under, "--tls-protocols", version)
                    answer = self.cli(under, port, "PING")
                    self.end(server)
                    return answer
                self.assert_on_workers(self.both(scenario), 2)

    def test_large_values(self):
        def scenario(under):
            port, server = self.serve(under)
            value = "abcdefgh" * 100_000
            answers = self.cli(under, port, "-x", "SET", "large", text=value), self.cli(under, port, "GET",
                                                                                        "large") == value + "\n"
            self.end(server)
            return answers
        self.assert_on_workers(self.both(scenario), 4)

    def test_many_clients(self):
        def scenario(under):
            port, server = self.serve(under)
            output = self.tool(under, "redis-benchmark", port, "-q", "-t", "set,get", "-n", "2000", "-c", "20", "-d",
                               "100")
            self.end(server)
            return output.count("requests per second"), "Error" in output
        self.assert_on_workers(self.both(scenario), 40)

    def test_threads_for_input_and_output(self):
        def scenario(under):
            port, server = self.serve(under, "--io-threads", "2", "--io-threads-do-reads", "yes")
            output = self.tool(under, "redis-benchmark", port, "-q", "-t", "set", "-n", "1000", "-c", "10", "--threads",
                               "2")
            self.end(server)
            return output.count("requests per second"), "Error" in output
        self.assert_on_workers(self.both(scenario), 20)

    def test_replication(self):
        def scenario(under):
            first, leader = self.serve(under, "--tls-replication", "yes", "--repl-diskless-sync-delay", "0")
            self.cli(under, first, "SET", "before", "1")
            second, follower = self.serve(under, "--tls-replication", "yes", "--replicaof", f"127.0.0.1 {first}",
                                          key="ec")
            wait_until(lambda: "master_link_status:up" in self.cli(under, second, "INFO", "replication"), "the replica")
            # On one connection: WAIT waits for the writes of its own.
            answers = self.cli(under, first, text="SET after 2\nWAIT 1 60000\n")
            answers += self.cli(under, second, "MGET", "before", "after")
            self.end(follower)
            self.end(leader)
            return answers
        self.assert_on_workers(self.both(scenario), 10)  # both ends of five connections

    def test_a_client_without_certificate_is_refused(self):
        def scenario(under):
            port, server = self.serve(under)
            output = self.run_program(["redis-cli", "-h", "127.0.0.1", "-p", port, "--tls", "--cacert",
                                       self.credentials.authority,
                                       "PING"], under, status=1)
            self.end(server)
            return output.startswith("Error: ")  # by an alert or by a reset
        self.assert_on_workers(self.both(scenario), 1)


if __name__ == "__main__":
    cases.main()
