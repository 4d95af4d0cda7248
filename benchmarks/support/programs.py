"""For benchmarks of programs: children, measurements taken in turn, targets that are built when they are wanted."""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "programs"))

from support.credentials import Credentials
from support.process import Program, environment_of


class Bench:
    """Directory and children, as Nginx wants them of a test."""

    def __init__(self, options):
        self.options = options
        self.directory = tempfile.mkdtemp(prefix="benchmark-")
        self.credentials = Credentials(self.directory)
        self._programs = []

    def start(self, command, under=None, **settings):
        log = os.path.join(self.directory, f"output-{len(self._programs)}")
        self._programs.append(Program(command, log, under, **settings))
        return self._programs[-1]

    def rounds(self, full):
        return 1 if self.options.quick else full

    def seconds(self, full):
        return full / 8 if self.options.quick else full

    def close(self):
        for program in self._programs:
            program.kill()
        shutil.rmtree(self.directory)


class Turns:
    """Measurements of several things, taken in turn, in another order each round."""

    def __init__(self, what, rounds, names, measure):
        """measure(name): a dictionary of numbers."""
        self._taken = {name: [] for name in names}
        for number in range(rounds):
            progress(f"{what}, round {number + 1} of {rounds}")
            shift = number % len(names)
            for name in [*names[shift:], *names[:shift]]:
                self._taken[name].append(measure(name))

    def median(self, name, key):
        return statistics.median(taken[key] for taken in self._taken[name])

    def ratio(self, key, name, base):
        return self.median(name, key) / self.median(base, key)


def progress(text):
    print(f"benchmark: {text}", file=sys.stderr, flush=True)


def run(command, under=None):
    """Its output, the seconds that it took, and those of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=environment_of(under), check=False)
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"benchmark: {' '.join(map(str, command))} failed:\n{done.stderr}")
    return done.stdout, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def build(target):
    """The file of a target in its released form."""
    progress(f"building {target}")
    done = subprocess.run(["bash", "-c", 'source "$0/scripts/bazel.sh" && build_and_find "$1"', ROOT, target],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"benchmark: {target} does not build:\n{done.stderr}")
    return done.stdout.strip()


def add_built(parser, targets):
    """A flag for each: name, target."""
    for name, target in targets.items():
        parser.add_argument("--" + name.replace("_", "-"), metavar="FILE", help=f"instead of building {target}")


def find_built(options, targets):
    for name, target in targets.items():
        setattr(options, name, os.path.abspath(getattr(options, name) or build(target)))
