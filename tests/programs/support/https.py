"""HTTPS as seen by a client whose TLS is plain: this process's own."""

import http.client
import ssl
import threading


def context(authority, version=None, ciphers=None):
    """One that verifies; `version`: this one only."""
    made = ssl.create_default_context(cafile=authority)
    if version:
        made.minimum_version = made.maximum_version = version
    if ciphers:
        made.set_ciphers(ciphers)
    return made


class Connection:
    """Kept alive between requests."""

    def __init__(self, port, tls, patience=60):
        self._connection = http.client.HTTPSConnection("localhost", port, context=tls, timeout=patience)

    def get(self, path, **headers):
        return self._ask("GET", path, None, headers)

    def put(self, path, body):
        return self._ask("PUT", path, body, {})

    def socket(self):
        return self._connection.sock

    def close(self):
        self._connection.close()

    def _ask(self, method, path, body, headers):
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.read().decode("latin-1")


def fetch(port, tls, path):
    """Over a connection of its own."""
    connection = Connection(port, tls)
    try:
        return connection.get(path, Connection="close")
    finally:
        connection.close()


def fetch_in_parallel(port, tls, path, threads, each):
    """The different results, or what was raised."""
    results = set()

    def work():
        for _ in range(each):
            try:
                results.add(fetch(port, tls, path))
            except OSError as error:
                results.add(repr(error))

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results
