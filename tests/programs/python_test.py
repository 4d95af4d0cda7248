#!/usr/bin/python3 -B
"""CPython's own tests of its ssl module: the same ones fail plain and under the layer, and those are none."""

import os
import shutil
import sys
import tempfile
import xml.etree.ElementTree

from support import cases
from support.layer import Plain

_PATIENCE = 1200
_THOROUGH = ["test_asyncio.test_ssl", "test_asyncio.test_sslproto", "test_asyncio.test_streams", "test_ftplib",
             "test_httplib",
             "test_imaplib", "test_poplib", "test_urllib2_localnet", "test_smtplib"]


class Python(cases.ProgramTest):
    def begin(self, under, tests):
        """Starts Debian's own Python, and gives the function that waits for its results: those of each case."""
        directory = tempfile.mkdtemp(dir="/tmp")  # a short name: a local socket's has 108 bytes
        self.addCleanup(shutil.rmtree, directory)
        results = os.path.join(directory, "results.xml")
        program = self.start(["/usr/bin/python3", "-B", "-m", "test", "--junit-xml", results, "--tempdir", directory,
                              *tests], under,
                             environment={"HOME": directory, "TMPDIR": directory})
        program.close_input()

        def end():
            program.wait(_PATIENCE)
            cases_of = xml.etree.ElementTree.parse(results).iter("testcase")
            return program, {f"{case.get('name')}": sorted(child.tag for child in case if child.tag in ("error",
                                                                                                        "failure",
                                                                                                        "skipped"))
                             for case in cases_of}
        return end

    def assert_same(self, tests, at_least, **settings):
        """Both at once: they mostly wait."""
        layer = self.layer(**settings)
        ends = [self.begin(under, tests) for under in (Plain(), layer)]
        (plain_program, plain), (program, under_layer) = [end() for end in ends]
        self.assertGreater(len(plain), at_least, plain_program.output())
        self.assertEqual(under_layer, plain, program.output())
        self.assertIn("Tests result: SUCCESS", program.output())
        return layer.total()

    def test_ssl(self):
        self.assert_on_workers(self.assert_same(["test_ssl"], 150), 100)


class PythonThoroughly(Python):
    def test_ssl(self):
        for setting in ("wait", "inline"):
            with self.subTest(setting):
                counts = self.assert_same(["test_ssl"], 150, nonblocking=setting)
                self.assertGreater(counts["calls"], 100, counts)

    def test_what_uses_ssl(self):
        self.assert_on_workers(self.assert_same(_THOROUGH, 400), 50)


if __name__ == "__main__":
    thorough = "--thorough" in sys.argv
    if thorough:
        sys.argv.remove("--thorough")
    del globals()["Python" if thorough else "PythonThoroughly"]
    cases.main()
