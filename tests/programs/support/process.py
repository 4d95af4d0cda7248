"""Children: started, talked to, waited for with a limit of time, and never left behind."""

import os
import random
import signal
import socket
import subprocess
import time

PATIENCE = 60  # seconds for one step, on a machine that has much else to do


class Stuck(AssertionError):
    """A step has taken longer than it may."""


def wait_until(condition, what, seconds=PATIENCE):
    """Polls `condition` until it gives something true, and returns that."""
    end = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Stuck(f"{what}: not within {seconds} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def free_port():
    """A port of the loopback address below those that outgoing connections get."""
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def accepts(port):
    """Somebody listens on this port."""
    with socket.socket() as probe:
        probe.settimeout(PATIENCE)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def environment_of(under):
    """Of a child, with the libraries and the program of the build's OpenSSL, if that is another one than the system's."""
    environment = dict(os.environ, LC_ALL="C", **(under.environment if under else {}))
    if "OPENSSL_PREFIX" in environment:
        environment["LD_LIBRARY_PATH"] = environment["OPENSSL_LIBRARIES"]
        environment["PATH"] = f"{environment['OPENSSL_PREFIX']}/bin:{environment['PATH']}"
    return environment


class Program:
    """A child in a process group of its own, with all of its output in a file."""

    def __init__(self, command, log, under=None, cwd=None, environment=None):
        self.command = [str(part) for part in command]
        self._log = log
        environment = dict(environment_of(under), **(environment or {}))
        with open(log, "wb") as output:
            self._process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=output,
                                             stderr=subprocess.STDOUT,
                                             cwd=cwd, env=environment, start_new_session=True)
        self.pid = self._process.pid

    def output(self):
        with open(self._log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def running(self):
        return self._process.poll() is None

    def write(self, text):
        self._process.stdin.write(text if isinstance(text, bytes) else text.encode())
        self._process.stdin.flush()

    def close_input(self):
        self._process.stdin.close()

    def wait_for(self, text, seconds=PATIENCE):
        """Until its output holds `text`."""
        wait_until(lambda: text in self.output() or not self.running(), f"{self} to say {text!r}", seconds)
        if text not in self.output():
            raise AssertionError(f"{self} ended without {text!r}:\n{self.output()}")

    def wait_for_port(self, port):
        """Until it accepts connections."""
        wait_until(lambda: not self.running() or accepts(port), f"{self} to listen")
        if not self.running():
            raise AssertionError(f"{self} ended at once:\n{self.output()}")

    def send_signal(self, number):
        self._process.send_signal(number)

    def wait(self, seconds=PATIENCE):
        """Its exit status; -n after signal n."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Stuck(f"{self} to end: not within {seconds} s; it said:\n{self.output()}") from None

    def stop(self, number=signal.SIGTERM):
        self.send_signal(number)
        return self.wait()

    def kill(self):
        """It and those that it has started."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        if not self._process.stdin.closed:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                pass

    def __str__(self):
        return " ".join(self.command)


def sockets_with_input(port):
    """How many TCP connections to this port of the loopback have bytes that their program has not read."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        lines = [line.split() for line in list(file)[1:]]
    return sum(int(line[1].split(":")[1], 16) == port and line[3] == "01" and int(line[4].split(":")[1], 16) > 0
               for line in lines)
