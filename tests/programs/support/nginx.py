"""An unmodified nginx in a directory of its own."""

import os
import signal
import tempfile

from support.process import free_port, wait_until

_NGINX = "/usr/sbin/nginx"  # whole: for its binary upgrade nginx executes what it was called as

_CONFIG = """
daemon off;
pid {directory}/pid;
error_log {directory}/error.log {log};
worker_processes {workers};
{user}
{main}
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  keepalive_timeout 60s;
  keepalive_requests 100000;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:tls:1m;
  {http}
  server {{
    listen 127.0.0.1:{port} {listen};
    {certificates}
    root {directory}/www;
    client_max_body_size 64m;
    {server}
    location = /hello {{ return 200 "{answer}"; }}
    location = /about {{ return 200 "$ssl_protocol $ssl_cipher $ssl_session_reused $ssl_client_verify"; }}
  }}
}}
"""


class Nginx:
    """Serves /hello, /about and the files of `www`. Its binary is only upgraded if it is an orphan.

    `before`: the words before it in its command.
    """

    def __init__(self, test, under=None, keys=("rsa",), workers=1, orphan=False, before=(), **parts):
        self._directory = tempfile.mkdtemp(prefix="nginx-", dir=test.directory)
        os.mkdir(os.path.join(self._directory, "www"))
        self.port = free_port()
        self._parts = {"log": "info", "main": "", "http": "", "server": "", "listen": "ssl", "answer": "hello\\n", **parts}
        self._parts["certificates"] = "\n".join(
            f"ssl_certificate {test.credentials.certificate(kind)}; ssl_certificate_key {test.credentials.key(kind)};"
            for kind in keys)
        self._workers = workers
        self.configure()
        command = [*before, _NGINX, "-p", self._directory, "-c", self._file("conf"), "-e", self._file("error.log")]
        if orphan:
            command = ["/bin/sh", "-c", '"$@" & read line', "sh", *command]
        self.program = test.start(command, under)
        self.program.wait_for_port(self.port)
        if orphan:
            self.program.close_input()
            self.program.wait()

    def configure(self, **parts):
        """Writes the configuration, with these parts changed."""
        self._parts.update(parts)
        user = "user root root;" if os.geteuid() == 0 else ""
        with open(self._file("conf"), "w", encoding="utf-8") as file:
            file.write(_CONFIG.format(directory=self._directory, port=self.port, workers=self._workers, user=user,
                                      **self._parts))

    def put_file(self, name, content):
        with open(self.path_of(name), "wb") as file:
            file.write(content)

    def path_of(self, name):
        """Of what it serves as /name."""
        return os.path.join(self._directory, "www", name)

    def url(self, path):
        return f"https://localhost:{self.port}{path}"

    def log(self):
        with open(self._file("error.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def master(self, name="pid"):
        """The process that the pid file names; 0: there is none."""
        try:
            with open(self._file(name), encoding="ascii") as file:
                return int(file.read() or 0)
        except FileNotFoundError:
            return 0

    def workers(self):
        """The processes of the workers, in order."""
        master = self.master()
        try:
            with open(f"/proc/{master}/task/{master}/children", encoding="ascii") as file:
                children = [int(pid) for pid in file.read().split()]
        except FileNotFoundError:
            return []
        return [pid for pid in children if b"nginx: worker" in _command_line(pid)]

    def reload(self, **parts):
        """Returns when the old workers have gone."""
        old = wait_until(self.workers, "nginx to have workers")
        self.configure(**parts)
        os.kill(self.master(), signal.SIGHUP)
        wait_until(lambda: self.workers() and not set(old) & set(self.workers()), "nginx to have new workers only")

    def quit(self):
        """In order: workers end, and leave their statistics. Returns the exit status."""
        return self.program.stop(signal.SIGQUIT)

    def _file(self, name):
        return os.path.join(self._directory, name)


def _command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""
