"""How a program is run: plain, or with the layer preloaded; and what the layer says of it afterwards."""

import collections
import os
import re


class Plain:
    """Without the layer."""

    name = "plain"
    environment = {}


class Layer:
    """With `library` preloaded; `settings` are the OPENSSL_EVENT_* variables without their prefix, in lower case."""

    name = "layer"

    def __init__(self, library, directory, **settings):
        self._statistics = os.path.join(directory, "statistics")
        self.environment = {"LD_PRELOAD": library, "OPENSSL_EVENT_STATS": self._statistics,
                            "OPENSSL_EVENT_RECORD_PATH": "always"}
        for name, value in settings.items():
            self.environment["OPENSSL_EVENT_" + name.upper()] = str(value)

    def statistics(self):
        """Of all processes that used TLS and have ended by exit, in the order of their ends."""
        try:
            with open(self._statistics, encoding="utf-8") as file:
                blocks = file.read().split("libssl_event_compat, process ")[1:]
        except FileNotFoundError:
            return []
        return [_read_block(block) for block in blocks]

    def total(self):
        """The sums over all processes: a Counter with calls, offloaded, in place and so on."""
        return sum(self.statistics(), collections.Counter())


def _read_block(block):
    counts = block.split("\n", 1)[1].split("wait:")[0]  # without the histograms
    return collections.Counter({name: int(number) for name, number in re.findall(r"([A-Za-z][A-Za-z ]*?) (\d+)",
                                                                                 counts)})
