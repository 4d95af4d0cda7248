#!/usr/bin/python3 -B
"""100,000 handshakes of one nginx worker under the layer: no growth in memory, descriptors or threads."""

import os
import re

from support import cases
from support.nginx import Nginx
from support.process import wait_until

_HANDSHAKES = 100_000
_WARM_UP = 10_000
_MOST_GROWTH = 2048  # KiB: what an allocator may keep


class Soak(cases.ProgramTest):
    def storm(self, nginx):
        """Some seconds of new connections; how many."""
        output = self.run_program(["wrk", "--threads", "2", "--connections", "30", "--duration", "5s", "--timeout",
                                   "60s", "--header",
                                   "Connection: close", nginx.url("/hello")])
        self.assertNotIn("Socket errors", output)
        return int(re.search(r"(\d+) requests in", output)[1])

    def storm_until(self, nginx, done, enough):
        while done < enough:
            done += self.storm(nginx)
        return done

    def test_nothing_grows(self):
        layer = self.layer()
        nginx = Nginx(self, layer, keys=["ec"], http="ssl_session_tickets off;", server="ssl_session_cache off;")
        worker = wait_until(nginx.workers, "nginx to have a worker")[0]
        done = self.storm_until(nginx, 0, _WARM_UP)
        before = _what_it_holds(worker)
        done = self.storm_until(nginx, done, _HANDSHAKES)
        after = _what_it_holds(worker)
        self.assertEqual(nginx.workers(), [worker])
        self.assertEqual(nginx.quit(), 0)
        self.assertLess(after["memory"] - before["memory"], _MOST_GROWTH, (before, after))
        self.assertLessEqual(after["descriptors"], before["descriptors"], (before, after))
        self.assertEqual(after["threads"], before["threads"], (before, after))
        self.assert_on_workers(layer.total(), _HANDSHAKES)


def _what_it_holds(pid):
    """Once its last connections have gone."""
    connections = [0]

    def is_quiet():
        connections.append(len(os.listdir(f"/proc/{pid}/fd")))
        return connections[-1] == connections[-2]
    wait_until(is_quiet, "the connections to go")
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        status = file.read()
    return {"memory": int(re.search(r"VmRSS:\s+(\d+)", status)[1]),
            "threads": int(re.search(r"Threads:\s+(\d+)", status)[1]),
            "descriptors": connections[-1]}


if __name__ == "__main__":
    cases.main()
