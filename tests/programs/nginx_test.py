#!/usr/bin/python3 -B
"""nginx, as Debian ships it: epoll, edge-triggered, its sockets non-blocking."""

import os
import signal
import socket
import ssl
import struct
import threading

from support import cases
from support.https import Connection, context, fetch, fetch_in_parallel
from support.nginx import Nginx
from support.process import sockets_with_input, wait_until

_HELLO = (200, "hello\n")
_TLS12, _TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class NginxTest(cases.ProgramTest):
    def tls(self, version=None, ciphers=None):
        return context(self.credentials.authority, version, ciphers)

    def assert_ends(self, nginx):
        self.assertEqual(nginx.quit(), 0)
        log = nginx.log()
        for complaint in ("[alert]", "[crit]", "exited on signal"):
            self.assertNotIn(complaint, log)


class Serves(NginxTest):
    def test_each_key_in_both_versions(self):
        keys = {"rsa": "ECDHE-RSA-AES128-GCM-SHA256", "ec": "ECDHE-ECDSA-AES128-GCM-SHA256", "rsa4096": None,
                "ec384": None}
        for kind, ciphers in keys.items():
            with self.subTest(kind):
                def scenario(under, kind=kind, ciphers=ciphers):
                    nginx = Nginx(self, under, keys=[kind])
                    answers = [fetch(nginx.port, tls, "/about") for tls in
                               (self.tls(_TLS12, ciphers), self.tls(_TLS13), self.tls(_TLS12), self.tls(_TLS13))]
                    self.assert_ends(nginx)
                    return answers
                self.assert_on_workers(self.both(scenario), 4)

    def test_two_certificates_and_the_client_chooses(self):
        def scenario(under):
            nginx = Nginx(self, under, keys=["rsa", "ec"])
            answers = [fetch(nginx.port, self.tls(_TLS12, ciphers), "/about")
                       for ciphers in ("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384")]
            self.assert_ends(nginx)
            return answers
        self.assert_on_workers(self.both(scenario), 2)

    def test_rsa_key_exchange(self):
        def scenario(under):
            nginx = Nginx(self, under, server="ssl_protocols TLSv1.2; ssl_ciphers AES128-SHA256;")
            answers = [fetch(nginx.port, self.tls(_TLS12, "AES128-SHA256"), "/about") for _ in range(3)]
            self.assert_ends(nginx)
            return answers
        self.both(scenario)

    def test_requests_on_one_connection(self):
        def scenario(under):
            nginx = Nginx(self, under, server="location /put { return 201 $request_length; }")
            nginx.put_file("large", os.urandom(3_000_000))
            connection = Connection(nginx.port, self.tls())
            answers = [connection.get("/hello") for _ in range(20)]
            answers += [(status, len(body)) for status, body in [connection.get("/large")]]
            answers += [connection.put("/put", bytes(200_000))[0], connection.get("/missing")[0],
                        connection.get("/hello")]
            connection.close()
            self.assert_ends(nginx)
            return answers
        counts = self.both(scenario)
        self.assert_private_key_calls(counts, 1)
        self.assert_on_workers(counts, 1)

    def test_resumed_sessions_need_no_key(self):
        def scenario(under):
            nginx = Nginx(self, under)
            tls = self.tls(_TLS12)
            reused, session = [], None
            for _ in range(4):
                with socket.create_connection(("127.0.0.1", nginx.port)) as raw:
                    with tls.wrap_socket(raw, server_hostname="localhost", session=session) as connection:
                        reused.append(connection.session_reused)
                        session = connection.session
            self.assert_ends(nginx)
            return reused
        counts = self.both(scenario)
        self.assert_private_key_calls(counts, 1)

    def test_client_certificates(self):
        def scenario(under):
            nginx = Nginx(self, under,
                          server=f"ssl_client_certificate {self.credentials.authority}; ssl_verify_client on;")
            refused = fetch(nginx.port, self.tls(_TLS12), "/about")[0]
            tls = self.tls()
            tls.load_cert_chain(self.credentials.certificate("ec"), self.credentials.key("ec"))
            answers = [refused, fetch(nginx.port, tls, "/about")]
            self.assert_ends(nginx)
            return answers
        self.assert_on_workers(self.both(scenario), 2)

    def test_as_client_of_another_server(self):
        def scenario(under):
            behind = Nginx(self, under,
                           server=f"ssl_client_certificate {self.credentials.authority}; ssl_verify_client on;")
            front = Nginx(self, under, keys=["ec"], server=f"""
                location /behind/ {{
                  proxy_pass https://127.0.0.1:{behind.port}/;
                  proxy_ssl_session_reuse off;
                  proxy_ssl_certificate {self.credentials.certificate("rsa")};
                  proxy_ssl_certificate_key {self.credentials.key("rsa")};
                }}""")
            answers = [fetch(front.port, self.tls(), "/behind/about") for _ in range(3)]
            self.assert_ends(front)
            self.assert_ends(behind)
            return answers
        self.assert_on_workers(self.both(scenario), 9)  # of each request: front's, its client certificate's, behind's

    def test_early_data(self):
        def scenario(under):
            nginx = Nginx(self, under, server="ssl_early_data on; ssl_protocols TLSv1.3;")
            client = ["openssl", "s_client", "-connect", f"127.0.0.1:{nginx.port}", "-ign_eof"]
            request = "GET /about HTTP/1.0\r\n\r\n"
            session = self.path(under.name + ".session")
            self.run_program([*client, "-sess_out", session], text=request)
            output = self.run_program([*client, "-sess_in", session, "-early_data",
                                       self.write_file("request", request)])
            self.assert_ends(nginx)
            return "Early data was accepted" in output, "TLSv1.3 TLS_AES_256_GCM_SHA384 r" in output
        self.assert_on_workers(self.both(scenario), 1)

    def test_each_setting_for_nonblocking_programs(self):
        for setting in ("edge", "wait", "inline"):
            with self.subTest(setting):
                def scenario(under):
                    nginx = Nginx(self, under)
                    results = fetch_in_parallel(nginx.port, self.tls(), "/hello", threads=4, each=3)
                    self.assert_ends(nginx)
                    return results
                counts = self.both(scenario, nonblocking=setting)
                self.assert_private_key_calls(counts, 12)
                self.assertEqual(counts["in place"], 12 if setting == "inline" else 0, counts)
                self.assertEqual(counts["answered WANT"] > 0, setting == "edge", counts)


class Storms(NginxTest):
    def test_hellos_that_wait_for_a_late_loop(self):
        """nginx tries a deferred connection at once, before it has told its epoll of it."""
        def scenario(under):
            nginx = Nginx(self, under, keys=["rsa4096"], listen="ssl deferred")
            worker, = wait_until(nginx.workers, "nginx to have a worker")
            results = []
            os.kill(worker, signal.SIGSTOP)
            storm = threading.Thread(target=lambda: results.append(
                fetch_in_parallel(nginx.port, self.tls(), "/hello", threads=6, each=1)), daemon=True)
            storm.start()
            wait_until(lambda: sockets_with_input(nginx.port) == 6, "the hellos")
            os.kill(worker, signal.SIGCONT)
            storm.join()
            self.assert_ends(nginx)
            return results
        counts = self.both(scenario)
        self.assert_on_workers(counts, 6)
        # Each is told to wait for its hello, and then for its signature.
        self.assertGreaterEqual(counts["answered WANT"], 12, counts)

    def test_several_workers(self):
        def scenario(under):
            nginx = Nginx(self, under, keys=["rsa", "ec"], workers=3)
            results = fetch_in_parallel(nginx.port, self.tls(), "/hello", threads=10, each=10)
            self.assertEqual(len(nginx.workers()), 3)
            self.assert_ends(nginx)
            return results
        self.assert_on_workers(self.both(scenario), 100)

    def test_keep_alive_connection_is_served_meanwhile(self):
        def scenario(under):
            nginx = Nginx(self, under, keys=["rsa3072"])
            connection = Connection(nginx.port, self.tls())
            results = []
            storm = threading.Thread(target=lambda: results.append(
                fetch_in_parallel(nginx.port, self.tls(), "/hello", threads=8, each=6)), daemon=True)
            storm.start()
            answers = set()
            while storm.is_alive():
                answers.add(connection.get("/hello"))
            connection.close()
            self.assert_ends(nginx)
            return results, answers
        self.assert_on_workers(self.both(scenario), 49)

    def test_clients_that_vanish(self):
        def vanish(port):
            tls, into, out = self.tls(), ssl.MemoryBIO(), ssl.MemoryBIO()
            try:
                tls.wrap_bio(into, out, server_hostname="localhost").do_handshake()
            except ssl.SSLWantReadError:
                pass
            with socket.create_connection(("127.0.0.1", port)) as raw:
                raw.sendall(out.read())
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset

        def scenario(under):
            nginx = Nginx(self, under, keys=["rsa4096"])
            for _ in range(30):
                vanish(nginx.port)
            results = fetch_in_parallel(nginx.port, self.tls(), "/hello", threads=4, each=2)
            self.assert_ends(nginx)
            return results
        self.assert_on_workers(self.both(scenario), 8)


class Lives(NginxTest):
    def test_reload(self):
        def scenario(under):
            nginx = Nginx(self, under, workers=2)
            results = []
            storm = threading.Thread(target=lambda: results.append(
                fetch_in_parallel(nginx.port, self.tls(), "/about", threads=4, each=15)), daemon=True)
            storm.start()
            nginx.reload()
            nginx.reload(server="ssl_protocols TLSv1.2 TLSv1.3;")
            storm.join()
            nginx.reload(answer="changed")
            after = fetch(nginx.port, self.tls(), "/hello")
            self.assert_ends(nginx)
            return results, after
        self.assert_on_workers(self.both(scenario), 61)

    def test_binary_upgrade(self):
        def scenario(under):
            # Of its environment, nginx hands the new binary only what it is told to.
            nginx = Nginx(self, under, orphan=True,
                          main="env LD_PRELOAD; env LD_LIBRARY_PATH; env OPENSSL_EVENT_STATS; "
                               "env OPENSSL_EVENT_STATS_SIGNAL;")
            before = fetch(nginx.port, self.tls(), "/hello")
            old = nginx.master()
            os.kill(old, signal.SIGUSR2)
            wait_until(lambda: nginx.master("pid.oldbin") == old and nginx.master() not in (0, old), "the new master")
            wait_until(nginx.workers, "the new master to have workers")
            between = fetch_in_parallel(nginx.port, self.tls(), "/hello", threads=2, each=3)
            os.kill(old, signal.SIGQUIT)
            wait_until(lambda: not nginx.master("pid.oldbin"), "the old master to go")
            after = fetch(nginx.port, self.tls(), "/hello")
            os.kill(nginx.master(), signal.SIGQUIT)
            wait_until(lambda: not nginx.master(), "the new master to go")
            return before, between, after
        # A signal that the program uses is not taken from it.
        self.assert_on_workers(self.both(scenario, stats_signal=int(signal.SIGUSR2)), 8)


if __name__ == "__main__":
    cases.main()
