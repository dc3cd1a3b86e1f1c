"""Tests of what survives a `kill -9` of the host, and of hosts whose plugins misbehave. See run.sh."""
import argparse
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback

import processes
import test_ledger
from farewell import Farewell
from host import HostEnded, Place
from misbehaviour import CASES, Misbehaviour
from storm import Storm
from sweep import Sweep


class Suite:
    """Runs cases one after the other, counts them, and says how to repeat one that failed."""

    def __init__(self, bin_directory):
        self.bin = bin_directory
        self.scratch = tempfile.mkdtemp(prefix="spindle-crash-")
        self.number = 0
        self.passed = self.failed = 0
        Place.install(self.bin, self.scratch)

    def run(self, title, again, make, *arguments, is_quiet=False):
        """Runs a case; `again` are the arguments of run.sh that repeat it."""
        self.number += 1
        place = Place(self.bin, self.scratch, str(self.number))
        began = time.monotonic()
        case = make(place, *arguments)
        try:
            wrong = case.run()
        except (HostEnded, AssertionError) as error:
            wrong = [str(error)]
        except Exception:
            wrong = [traceback.format_exc()]
        finally:
            processes.kill_all()
        if wrong:
            wrong = [*by_kind(wrong), f"left for you in {place.directory}"]
        else:
            shutil.rmtree(place.directory)
        figures = [] if wrong or is_quiet else case.figures()
        self.report(f"{title} ({time.monotonic() - began:.1f} s)", wrong, again, figures, is_quiet)

    def report(self, title, wrong, again, figures=(), is_quiet=False):
        """Counts a result and prints it."""
        if wrong:
            self.failed += 1
            print(f"FAIL  {title}")
            for line in [*wrong, f"again: ./Tests/crash/run.sh {again}"]:
                print(f"        {line}")
        else:
            self.passed += 1
            if not is_quiet:
                print(f"ok    {title}")
                for line in figures:
                    print(f"        {line}")
        sys.stdout.flush()

    def rules(self):
        """The judge itself is judged."""
        wrong = test_ledger.failures()
        self.report("the rules convict whom they should", wrong, "quick")

    def storm(self, seed, kills, executions):
        self.run(f"{kills} kills at random moments over {executions} executions, seed {seed}",
                 f"storm --seed {seed} --kills {kills} --executions {executions}",
                 Storm, seed, kills, executions)

    def sweep(self, seed, call, points):
        began, failed = time.monotonic(), self.failed
        names = ", ".join(map(str, points)) if len(points) < 20 else f"{points[0]} to {points[-1]}"
        for nth in points:
            self.run(f"kill at {call} number {nth}, seed {seed}", f"sweep --call {call} --nth {nth} --seed {seed}",
                     Sweep, seed, call, nth, is_quiet=True)
        if self.failed == failed:
            print(f"ok    kill at {call} number {names}, in a fresh store and in its recovery, seed {seed}"
                  f" ({time.monotonic() - began:.1f} s)")

    def farewell(self, seed, rounds):
        self.run(f"SIGTERM while clients come and go, {rounds} times, seed {seed}", f"farewell --seed {seed} --rounds {rounds}",
                 Farewell, seed, rounds)

    def misbehaviour(self, names):
        for name in names:
            self.run(f"a plugin that misbehaves: {name}", f"misbehaviour {name}", Misbehaviour, name)

    def end(self):
        if self.failed == 0:
            shutil.rmtree(self.scratch)
        print(f"{self.passed} passed, {self.failed} failed")
        return self.failed == 0


def by_kind(wrong):
    """One example of each kind of fault, with how many there are: a thousand of one must not hide the other."""
    kinds = {}
    for text in wrong:
        kinds.setdefault(re.sub(r"[0-9a-f-]{30,}|[0-9]+", "", text), []).append(text)
    return [texts[0] + (f" (and {len(texts) - 1} more)" if len(texts) > 1 else "") for texts in kinds.values()][:20]


def points(seed, count, last=200):
    """Points from 1 to `last`, different for each seed and denser at the beginning: early calls differ, later ones are alike."""
    chosen = random.Random(seed)
    borders = [last ** (step / count) for step in range(count + 1)]
    return sorted({min(last, int(chosen.uniform(low, high + 1))) for low, high in zip(borders, borders[1:])})


def main():
    parser = argparse.ArgumentParser(prog="Tests/crash/run.sh")
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("what", nargs="?", default="quick",
                        choices=["quick", "long", "storm", "sweep", "farewell", "misbehaviour"])
    parser.add_argument("names", nargs="*", help="for misbehaviour: " + ", ".join(CASES))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--executions", type=int, default=10_000)
    parser.add_argument("--call", choices=Sweep.CALLS, default="fdatasync")
    parser.add_argument("--nth", type=int, nargs="*", help="for sweep: which calls; all of the first 200 if left out")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()

    processes.adopt_orphans()
    # As Ctrl-C: what was started is ended, and what was made stays for whoever wants to look.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    suite = Suite(options.bin)
    all_points = list(range(1, 201))
    if options.what in ("quick", "long"):
        is_long = options.what == "long"
        suite.rules()
        suite.storm(options.seed, *((200, 300_000) if is_long else (options.kills, options.executions)))
        for call in Sweep.CALLS:
            suite.sweep(options.seed, call, all_points if is_long else points(options.seed, 8))
        suite.farewell(options.seed, 100 if is_long else options.rounds)
        suite.misbehaviour(CASES)
    elif options.what == "storm":
        suite.storm(options.seed, options.kills, options.executions)
    elif options.what == "sweep":
        suite.sweep(options.seed, options.call, options.nth or all_points)
    elif options.what == "farewell":
        suite.farewell(options.seed, options.rounds)
    else:
        suite.misbehaviour(options.names or CASES)
    return 0 if suite.end() else 1


if __name__ == "__main__":
    sys.exit(main())
