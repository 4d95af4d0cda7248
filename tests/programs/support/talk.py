"""Bytes through a chain of programs that ends in an echo."""

import socket
import threading


def echoed(port, content, tls=None, patience=60):
    """What comes back of `content`, sent to this port; with a context also what the TLS is."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as raw:
        if not tls:
            return _exchange(raw, content)
        with tls.wrap_socket(raw, server_hostname="localhost") as connection:
            return _exchange(connection, content), connection.version(), connection.cipher()


def echoed_in_parallel(port, content, connections, tls=None):
    """The different results of so many at once."""
    results = set()
    threads = [threading.Thread(target=lambda: results.add(echoed(port, content, tls)),
                                daemon=True) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _exchange(connection, content):
    received = bytearray()
    for begin in range(0, len(content), 32768):
        part = content[begin:begin + 32768]
        connection.sendall(part)
        while len(received) < begin + len(part):
            data = connection.recv(65536)
            if not data:
                return bytes(received)
            received += data
    return bytes(received)
