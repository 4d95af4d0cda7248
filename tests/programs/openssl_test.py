#!/usr/bin/python3 -B
"""openssl s_server and s_client against each other: one test for each thing that their options can do."""

import re

from support import cases
from support.process import free_port, wait_until

# Of what s_client prints, the lines that are the same each time.
_LASTING = re.compile(
    r"^(?:Protocol|SSL-Session|New,|Reused,|Cipher is|Verif|ALPN|Next protocol|Server Temp Key|Peer sign|subject=|"
    r"Server public key|Secure Renegotiation|Early data|Max Early|Expansion|Compression|No ALPN|Acceptable|Shared|"
    r"    (?:Protocol|Cipher|Extended|Max Early|PSK identity|TLS session ticket lifetime)).*", re.MULTILINE)

_PSK = ["-psk", "0123456789abcdef0123456789abcdef", "-psk_identity", "someone"]


def lasting(client):
    """In the order of the alphabet: TLS 1.3 sends tickets when it likes."""
    return sorted(set(_LASTING.findall(client.output())))


class OpensslTest(cases.ProgramTest):
    def identity(self, key):
        return ["-cert", self.credentials.certificate(key), "-key", self.credentials.key(key)]

    def serve(self, under, options, key="rsa", connections=1):
        """s_server, which ends by itself after so many connections."""
        port = free_port()
        identity = self.identity(key) if key else ["-nocert"]
        server = self.start(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-naccept", connections, *identity,
                             *options], under)
        server.wait_for("ACCEPT")
        return server, port

    def client(self, under, port, options):
        authority = ["-CAfile", self.credentials.authority]
        return self.start(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *authority, *options], under)

    def talk(self, under, server_options=(), client_options=(), key="rsa", commands=()):
        """One connection, over which both sides say something; what lasts of the client's output.

        `commands`: letters that s_client takes for such, each with what it prints then.
        """
        server, port = self.serve(under, server_options, key)
        client = self.client(under, port, client_options)
        client.wait_for("---\nSSL handshake has read")
        server.write("from the server\n")
        client.wait_for("from the server\n")
        client.write("from the client\n")
        server.wait_for("from the client\n")
        for number, (letter, printed) in enumerate(commands, 1):
            client.write(letter + "\n")
            wait_until(lambda: client.output().count(printed) == number, f"{client} to say {printed} {number} times")
            client.write(f"after command {number}\n")
            server.wait_for(f"after command {number}\n")
            server.write(f"answer to command {number}\n")
            client.wait_for(f"answer to command {number}\n")
        client.write("Q\n")
        statuses = client.wait(), server.wait()
        return statuses, lasting(client)

    def assert_same(self, calls, server_options=(), client_options=(), **options):
        """The same connection plain and under the layer, there with so many private-key operations of both sides."""
        counts = self.both(lambda under: self.talk(under, server_options, client_options, **options))
        self.assert_private_key_calls(counts, calls)
        self.assert_on_workers(counts, calls)


class Handshakes(OpensslTest):
    def test_keys_in_each_version(self):
        for key in ("rsa", "rsa3072", "pss", "ec", "ec384", "ed25519", "ed448"):
            for version in ("-tls1_2", "-tls1_3"):
                with self.subTest(key + version):
                    self.assert_same(1, client_options=[version], key=key)

    def test_old_versions(self):
        for version in ("-tls1", "-tls1_1"):
            with self.subTest(version):
                weak = ["-cipher", "ALL:@SECLEVEL=0"]
                self.assert_same(1, weak, [version, *weak])

    def test_ciphers(self):
        for cipher in ("ECDHE-RSA-AES128-SHA", "ECDHE-RSA-CHACHA20-POLY1305", "DHE-RSA-AES256-GCM-SHA384"):
            with self.subTest(cipher):
                self.assert_same(1, client_options=["-tls1_2", "-cipher", cipher])
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"):
            with self.subTest(suite):
                self.assert_same(1, ["-ciphersuites", suite])

    def test_rsa_key_exchange(self):
        for cipher in ("AES128-SHA", "AES256-GCM-SHA384"):
            with self.subTest(cipher):
                self.both(lambda under, cipher=cipher: self.talk(under, client_options=["-tls1_2", "-cipher", cipher]))

    def test_groups(self):
        for group in ("X25519", "P-256", "P-521", "X448", "ffdhe2048"):
            with self.subTest(group):
                self.assert_same(1, client_options=["-groups", group])

    def test_second_hello(self):
        self.assert_same(1, ["-groups", "P-384"], ["-groups", "X25519:P-384"])

    def test_signature_algorithms(self):
        for algorithm in ("rsa_pss_rsae_sha512", "rsa_pss_rsae_sha256"):
            with self.subTest(algorithm):
                self.assert_same(1, client_options=["-sigalgs", algorithm])
        self.assert_same(1, client_options=["-tls1_2", "-sigalgs", "RSA+SHA1:RSA+SHA384", "-cipher",
                                            "DEFAULT:@SECLEVEL=0"])

    def test_client_certificate(self):
        for key in ("rsa", "ec", "ed25519", "pss"):
            for version in ("-tls1_2", "-tls1_3"):
                with self.subTest(key + version):
                    self.assert_same(2, ["-Verify", "3", "-CAfile", self.credentials.authority],
                                     [version, *self.identity(key)])

    def test_names_and_protocols(self):
        second = ["-servername", "other.example", "-cert2", self.credentials.certificate("ec", "other.example"),
                  "-key2",
                  self.credentials.key("ec")]
        for name in ("other.example", "localhost"):
            with self.subTest(name):
                self.assert_same(1, second, ["-servername", name])
        self.assert_same(1, ["-alpn", "h2,http/1.1"], ["-alpn", "http/1.1,h2"])
        self.assert_same(1, ["-nextprotoneg", "one,two"], ["-tls1_2", "-nextprotoneg", "two"])

    def test_pre_shared_keys(self):
        self.assert_same(0, _PSK, [*_PSK, "-tls1_3"], key=None)
        self.assert_same(0, _PSK, [*_PSK, "-tls1_2", "-cipher", "PSK"], key=None)
        for cipher in ("RSA-PSK-AES128-GCM-SHA256", "DHE-PSK-AES128-GCM-SHA256", "ECDHE-PSK-AES128-CBC-SHA256"):
            with self.subTest(cipher):
                self.both(lambda under, c=cipher: self.talk(under, _PSK, [*_PSK, "-tls1_2", "-cipher", c]))

    def test_no_certificate_at_all(self):
        anonymous = ["-cipher", "aNULL:@SECLEVEL=0"]
        self.assert_same(0, anonymous, [*anonymous, "-tls1_2"], key=None)

    def test_stapling_and_other_extensions(self):
        self.assert_same(1, ["-serverpref"], ["-status", "-maxfraglen", "512", "-no_etm", "-tls1_2"])
        self.assert_same(1, ["-comp", "-legacy_renegotiation", "-tls1_2"], ["-comp", "-tls1_2", "-fallback_scsv"])

    def test_splits_of_records(self):
        self.assert_same(1, ["-split_send_frag", "512", "-max_send_frag", "1024", "-record_padding", "256"],
                         ["-read_buf", "4096", "-max_pipelines", "2"])

    def test_a_refused_certificate(self):
        def scenario(under):
            server, port = self.serve(under, ["-Verify", "3", "-verify_return_error", "-CAfile",
                                              self.credentials.authority])
            stranger = self.path("stranger.pem")
            self.run_program(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=stranger",
                              "-keyout",
                              stranger, "-out", stranger + ".crt"])
            client = self.client(under, port, ["-tls1_2", "-cert", stranger + ".crt", "-key", stranger])
            status = client.wait()
            server.close_input()
            return status, server.wait(), "alert unknown ca" in client.output(), lasting(client)
        self.assert_on_workers(self.both(scenario), 2)

    def test_no_common_suite(self):
        def scenario(under):
            server, port = self.serve(under, ["-tls1_2", "-cipher", "AES128-SHA"])
            client = self.client(under, port, ["-tls1_2", "-cipher", "AES256-SHA"])
            status = client.wait()
            server.close_input()
            return status, server.wait(), "alert handshake failure" in client.output()
        self.both(scenario)


class Manners(OpensslTest):
    def test_blocking_or_not(self):
        for server, client in ((["-nbio"], ["-nbio"]), (["-nbio"], []), ([], ["-nbio"])):
            for version in ("-tls1_2", "-tls1_3"):
                with self.subTest(" ".join([*server, "and", *client, version])):
                    self.assert_same(2, [*server, "-Verify", "3", "-CAfile", self.credentials.authority],
                                     [*client, version, *self.identity("rsa")])

    def test_asynchronous(self):
        self.assert_same(1, ["-async"], ["-async"])
        self.assert_same(1, ["-async", "-nbio"], ["-async", "-nbio"])

    def test_each_setting_for_nonblocking_programs(self):
        for setting in ("edge", "wait", "inline"):
            with self.subTest(setting):
                counts = self.both(lambda under: self.talk(under, ["-nbio"], ["-nbio"]), nonblocking=setting)
                self.assertEqual((counts["calls"], counts["in place"]), (1, setting == "inline"), counts)

    def test_switched_off(self):
        counts = self.both(self.talk, offload="off")
        self.assertEqual(counts["calls"], 0, counts)

    def test_debugging_output(self):
        said = re.compile(r"^(?:>>>|<<<|SSL_\w+:).*", re.MULTILINE)
        for version in (["-tls1_2"], ["-tls1_3", "-num_tickets", "0"]):
            with self.subTest(version[0]):
                def scenario(under, version=version):
                    server, port = self.serve(under, ["-msg", "-state", *version])
                    client = self.client(under, port, ["-msg", "-state", version[0]])
                    client.wait_for("---\nSSL handshake has read")
                    client.write("Q\n")
                    return client.wait(), server.wait(), said.findall(client.output()), said.findall(server.output())
                self.assert_on_workers(self.both(scenario), 1)


class Conversations(OpensslTest):
    def test_key_updates(self):
        self.assert_same(1, client_options=["-tls1_3"], commands=[("k", "KEYUPDATE"), ("K", "KEYUPDATE"),
                                                                  ("K", "KEYUPDATE")])

    def test_renegotiation_by_the_client(self):
        self.assert_same(3, ["-client_renegotiation"], ["-tls1_2"], commands=[("R", "RENEGOTIATING")] * 2)

    def test_renegotiation_by_the_server(self):
        def scenario(under):
            server, port = self.serve(under, ["-CAfile", self.credentials.authority, "-verify", "3"])
            client = self.client(under, port, ["-msg", "-tls1_2", *self.identity("ec")])
            client.wait_for("---\nSSL handshake has read")
            for number, command in enumerate(("r", "R"), 1):
                server.write(command + "\n")
                wait_until(lambda: server.output().count("SSL_do_handshake ->") == number, f"{server} to renegotiate")
                client.write("after " + command + "\n")
                server.wait_for("after " + command)
            client.write("Q\n")
            return client.wait(), server.wait(), re.findall(r"^[<>]{3} TLS.*\], (.*)", client.output(), re.MULTILINE)
        self.assert_on_workers(self.both(scenario), 2)

    def test_client_certificate_after_the_handshake(self):
        def scenario(under):
            server, port = self.serve(under, ["-CAfile", self.credentials.authority])
            client = self.client(under, port, ["-tls1_3", "-enable_pha", *self.identity("rsa")])
            client.wait_for("---\nSSL handshake has read")
            server.write("c\n")
            server.wait_for("SSL_do_handshake ->")
            client.write("after it\n")
            server.wait_for("after it")
            client.write("Q\n")
            return client.wait(), server.wait()
        self.both(scenario)

    def test_resumption(self):
        for version in ("-tls1_2", "-tls1_3"):
            for tickets in ([], ["-no_ticket"]):
                with self.subTest(" ".join([version, *tickets])):
                    counts = self.both(lambda under, v=version, t=tickets: self.resume(under, [v], t))
                    self.assert_private_key_calls(counts, 1)
                    self.assert_on_workers(counts, 1)

    def test_reconnection(self):
        for options, calls in (["-no_ticket"], 1), (["-no_ticket", "-no_cache"], 6):
            with self.subTest(" ".join(options)):
                def scenario(under, options=options):
                    server, port = self.serve(under, options, connections=6)
                    client = self.client(under, port, ["-tls1_2", "-reconnect"])
                    wait_until(lambda: len(re.findall("^(?:New|Reused),", client.output(), re.MULTILINE)) == 6,
                               f"{client} to reconnect")
                    client.write("Q\n")
                    return client.wait(), server.wait(), re.findall("^(?:New|Reused),", client.output(), re.MULTILINE)
                counts = self.both(scenario)
                self.assert_private_key_calls(counts, calls)

    def resume(self, under, client_options, server_options):
        """What two connections with one session are."""
        server, port = self.serve(under, ["-rev", *server_options], connections=2)
        session = self.path(under.name + "".join(client_options + server_options))
        lines = []
        for use in ("-sess_out", "-sess_in"):
            client = self.client(under, port, [*client_options, use, session])
            client.write("abc\n")
            client.wait_for("\ncba\n")
            client.write("Q\n")
            lines += [client.wait(), lasting(client)]
        return lines, server.wait()

    def test_early_data(self):
        early = self.write_file("early", "said early\n")

        def scenario(under):
            server, port = self.serve(under, ["-tls1_3", "-early_data"], connections=2)
            session, lines = self.path(under.name), []
            for use in (["-sess_out", session], ["-sess_in", session, "-early_data", early]):
                client = self.client(under, port, use)
                server.write("from the server\n")
                client.wait_for("from the server\n")
                client.write("Q\n")
                lines += [client.wait(), lasting(client)]
            return lines, server.wait(), "said early" in server.output()
        self.assert_on_workers(self.both(scenario), 1)


class Servers(OpensslTest):
    """Those forms of s_server that use libssl's own filter BIO, which calls no public function."""

    def test_web_pages(self):
        self.write_file("page", "the page\n")
        for form in ("-www", "-WWW", "-HTTP"):
            for client_options in (["-tls1_2"], ["-tls1_3"], ["-nbio"]):
                with self.subTest(" ".join([form, *client_options])):
                    counts = self.both(lambda under, f=form, c=client_options: self.fetch(under, f, c))
                    self.assert_on_workers(counts, 1)

    def fetch(self, under, form, client_options):
        port = free_port()
        server = self.start(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-naccept", "1", form,
                             *self.identity("rsa")], under, cwd=self.directory)
        server.wait_for("ACCEPT")
        request = "GET /page HTTP/1.0\r\n\r\n" if form != "-HTTP" else "GET /answer HTTP/1.0\r\n\r\n"
        self.write_file("answer", "HTTP/1.0 200 ok\r\nContent-type: text/plain\r\n\r\nthe page\n")
        client = self.client(under, port, [*client_options, "-ign_eof"])
        client.write(request)
        page = client.wait_for("the page" if form != "-www" else "</pre>")
        return page, client.wait(), lasting(client), server.wait()

    def test_reversed_lines(self):
        def scenario(under):
            server, port = self.serve(under, ["-rev"])
            client = self.client(under, port, [])
            for line in ("stressed", "drawer"):
                client.write(line + "\n")
                client.wait_for("\n" + line[::-1] + "\n")
            client.write("Q\n")
            return client.wait(), server.wait()
        self.assert_on_workers(self.both(scenario), 1)

    def test_s_time(self):
        def scenario(under):
            server, port = self.serve(under, ["-www"], connections=1000000)
            output = self.run_program(["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new", "-time", "1",
                                       "-www", "/"],
                                      under)
            server.kill()
            return re.sub(r"[\d.]+", "n", output.splitlines()[-1])
        self.both(scenario)


if __name__ == "__main__":
    cases.main()
