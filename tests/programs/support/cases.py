"""The base of all tests here, and their main function."""

import os
import shutil
import sys
import tempfile
import time
import unittest
from xml.sax.saxutils import escape, quoteattr

from support.credentials import Credentials
from support.layer import Layer, Plain
from support.process import Program

_library = None


def library():
    """The layer's file."""
    return _library


class ProgramTest(unittest.TestCase):
    """A directory of its own, children that end with the test, and scenarios run twice."""

    longMessage = True
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls._of_class = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"), prefix="programs-")
        cls.credentials = Credentials(cls._of_class)
        cls.addClassCleanup(shutil.rmtree, cls._of_class)

    def setUp(self):
        self.directory = tempfile.mkdtemp(dir=self._of_class)
        self._programs = 0

    def start(self, command, under=None, **options):
        """A Program that is ended with the test."""
        self._programs += 1
        program = Program(command, os.path.join(self.directory, f"output-{self._programs}"), under, **options)
        self.addCleanup(program.kill)
        return program

    def run_program(self, command, under=None, text=None, status=0, **options):
        """Runs it to its end, with `text` as its input, and returns its output."""
        program = self.start(command, under, **options)
        if text is not None:
            program.write(text)
        program.close_input()
        self.assertEqual(program.wait(), status, f"{program} said:\n{program.output()}")
        return program.output()

    def layer(self, **settings):
        """A new one, with its own statistics."""
        return Layer(_library, tempfile.mkdtemp(dir=self.directory), **settings)

    def both(self, scenario, **settings):
        """Runs `scenario(under)` plain and under the layer: the same results. Returns the layer's counts."""
        plain = scenario(Plain())
        layer = self.layer(**settings)
        self.assertEqual(scenario(layer), plain, "under the layer, and plain")
        return layer.total()

    def assert_on_workers(self, counts, at_least):
        """So many private-key operations have been executed by workers, and none in the program's own thread."""
        self.assertGreaterEqual(counts["offloaded"], at_least, counts)
        self.assertEqual(counts["in place"], 0, counts)
        self.assertEqual(counts["failed"], 0, counts)

    def assert_private_key_calls(self, counts, number):
        """So many calls, and those of the rest of a handshake where all of it is offloaded."""
        everything = os.environ.get("OPENSSL_EVENT_OFFLOAD") == "all"
        (self.assertGreaterEqual if everything else self.assertEqual)(counts["calls"], number, counts)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write_file(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)


class _Result(unittest.TextTestResult):
    """Notes each case for the XML."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.cases = []

    def startTest(self, test):
        super().startTest(test)
        self.cases.append([test, time.monotonic(), 0, ""])

    def stopTest(self, test):
        super().stopTest(test)
        self.cases[-1][2] = time.monotonic()

    def addError(self, test, err):
        super().addError(test, err)
        self._failed(test, self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._failed(test, self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.cases[-1][3] += f"{subtest}\n{self._exc_info_to_string(err, test)}"

    def _failed(self, test, text):
        if not self.cases:  # the class could not be set up
            self.cases.append([test, 0, 0, ""])
        self.cases[-1][3] += text


def _write_xml(path, result):
    with open(path, "w", encoding="utf-8") as out:
        out.write(f'<testsuites><testsuite name="programs" tests="{len(result.cases)}">\n')
        for test, begin, end, failure in result.cases:
            owner, name = type(test).__name__, getattr(test, "_testMethodName", str(test))
            out.write(f'<testcase classname={quoteattr(owner)} name={quoteattr(name)} time="{end - begin:.3f}">')
            if failure:
                out.write(f'<failure message="failed">{escape(failure)}</failure>')
            out.write("</testcase>\n")
        out.write("</testsuite></testsuites>\n")


def main():
    """TEST.py libssl_event_compat.so [unittest's arguments]; Bazel's --test_filter works as -k."""
    global _library
    if len(sys.argv) < 2 or not os.path.exists(sys.argv[1]):
        sys.exit(f"usage: {sys.argv[0]} libssl_event_compat.so [-v] [-k PATTERN]")
    _library = os.path.realpath(sys.argv.pop(1))
    if os.environ.get("TESTBRIDGE_TEST_ONLY"):
        sys.argv += ["-k", os.environ["TESTBRIDGE_TEST_ONLY"]]
    runner = unittest.TextTestRunner(resultclass=_Result, verbosity=2)
    program = unittest.main(module="__main__", testRunner=runner, exit=False)
    if os.environ.get("XML_OUTPUT_FILE"):
        _write_xml(os.environ["XML_OUTPUT_FILE"], program.result)
    sys.exit(not (program.result.wasSuccessful() and program.result.testsRun > 0))
