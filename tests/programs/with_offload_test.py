#!/usr/bin/python3 -B
"""scripts/with-offload is invisible but for the statistics at the end."""

import signal

from support import cases
from support.nginx import Nginx

_SCRIPT = "scripts/with-offload"
_STATISTICS = "libssl_event_compat, process "


class WithOffload(cases.ProgramTest):
    def command(self, *program):
        return [_SCRIPT, "--library", cases.library(), *program]

    def run_under(self, *program, status=0, **options):
        return self.run_program(self.command(*program), status=status, **options)

    def test_passes_on_the_exit_status(self):
        self.run_under("true")
        self.run_under("sh", "-c", "exit 7", status=7)
        self.run_under("sh", "-c", "kill -TERM $$", status=128 + signal.SIGTERM)
        self.run_under("no-such-program", status=127)

    def test_passes_on_input_and_arguments(self):
        self.assertIn("a  b|*|", self.run_under("printf", "%s|", "a  b", "*"))
        self.assertIn("from the input", self.run_under("cat", text="from the input"))

    def test_passes_on_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT):
            with self.subTest(number):
                name = number.name[3:]
                program = self.start(self.command("sh", "-c",
                                                  f'trap "exit 5" {name}; echo ready; while :; do sleep 0.05; done'))
                program.wait_for("ready")
                self.assertEqual(program.stop(number), 5)

    def test_prints_the_statistics_of_a_program_with_tls(self):
        script = "import ssl; ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())"
        self.assertIn(_STATISTICS, self.run_under("/usr/bin/python3", "-c", script))
        self.assertNotIn(_STATISTICS, self.run_under("true"))

    def test_prints_the_statistics_of_a_server_that_is_ended(self):
        nginx = Nginx(self, before=self.command())
        self.run_program(["curl", "--silent", "--insecure", nginx.url("/hello")])
        self.assertEqual(nginx.quit(), 0)
        self.assertRegex(nginx.program.output(), _STATISTICS + r"\d+\ncalls 1, offloaded 1,")

    def test_explains_itself(self):
        self.assertIn("usage: ", self.run_program([_SCRIPT, "--help"]))
        self.assertIn("usage: ", self.run_program([_SCRIPT], status=125))
        self.assertIn("no such library", self.run_program([_SCRIPT, "--library", "/nowhere", "true"], status=125))


if __name__ == "__main__":
    cases.main()
