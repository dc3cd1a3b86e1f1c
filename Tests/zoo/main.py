"""Runs the zoo. See run.sh."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))

import processes  # noqa: E402
from host import HostEnded, Place  # noqa: E402

import build  # noqa: E402
import golden  # noqa: E402
from level import Level  # noqa: E402
from rows import LEVELS, ROWS  # noqa: E402


def refusal_of_sandbox(bin_directory, scratch):
    """Why this machine gives no sandbox to this user; None if it does."""
    place = Place(bin_directory, scratch, "doctor")
    ended = subprocess.run([place.spindle, "doctor", "--json"], env=place.environment(), capture_output=True, text=True)
    level = next(one for one in json.loads(ended.stdout)["levels"] if one["level"] == "sandbox")
    return None if level["available"] else level["note"].removeprefix("plugins that ask for it are refused: ")


def start(levels):
    """Starts hosts beside each other, because their beginning is the longest part."""
    for level in levels:
        level.start()
    with ThreadPoolExecutor(len(levels)) as pool:
        list(pool.map(Level.is_ready, levels))


class Zoo:
    """All levels. What runs inside a host cannot be ended there, so that a host with plugins in-process lives for one round."""

    def __init__(self, bin_directory, scratch, rows):
        self.bin = bin_directory
        self.scratch = scratch
        self.rows = rows
        self.plugins = os.path.join(scratch, "built")
        build.build(rows, self.plugins)
        reason = refusal_of_sandbox(bin_directory, scratch)
        self.unavailable = {} if reason is None else {
            level: f"refused: isolation {level} cannot be given here: {reason}; see spindle doctor"
            for level in ("sandbox", "one-shot")}
        self.lasting = [self.make(level, level) for level in LEVELS if level != "in-process"]
        self.passing = None
        start(self.lasting)

    def make(self, level, directory):
        scratch = os.path.join(self.scratch, directory)
        return Level(self.bin, scratch, self.plugins, self.rows, level, self.unavailable.get(level))

    def round(self, number):
        """Outcomes by level, and what else is wrong."""
        self.passing = self.make("in-process", f"in-process-{number}")
        start([self.passing])
        levels = [self.passing, *self.lasting]
        with ThreadPoolExecutor(len(levels)) as pool:
            outcomes = list(pool.map(Level.run_round, levels))
            self.after = list(pool.map(Level.look_around, levels))
        self.figures = [f"{level.name}: before {level.before}; after {after}; {level.served} jobs beside it, "
                        f"{level.failures} failed" for level, after in zip(levels, self.after)]
        self.passing.stop()
        wrong = [text for level in levels for text in level.wrong]
        for level in levels:
            level.wrong = []
        return {level.name: found for level, found in zip(levels, outcomes)}, wrong

    def end(self):
        for level in self.lasting:
            level.stop()
        wrong = [text for level in self.lasting for text in level.wrong]
        _, left = processes.wait_until_alone(60)
        return wrong + [f"process {one} ({processes.command_line(one)}) is still there" for one in left]


def end_now(*_):
    """Ends what was started, without waiting for what it does; what was made stays for whoever wants to look."""
    processes.kill_all()
    os._exit(128 + signal.SIGTERM)


def main():
    parser = argparse.ArgumentParser(prog="Tests/zoo/run.sh")
    parser.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    rows = [row for row in ROWS if not options.names or row.name in options.names]
    descriptions = build.descriptions()
    assert set(descriptions) == {row.name for row in ROWS}, "each plugin has a row, and each row a plugin"

    processes.adopt_orphans()
    signal.signal(signal.SIGTERM, end_now)
    scratch = tempfile.mkdtemp(prefix="spindle-zoo-")
    failed = 0
    zoo = None
    try:
        zoo = Zoo(options.bin, scratch, rows)
        for number in range(1, options.rounds + 1):
            began = time.monotonic()
            outcomes, wrong = zoo.round(number)
            if number == 1:
                print(golden.text(outcomes), end="")
                if os.environ.get("SPINDLE_UPDATE_ZOO") and not options.names and not zoo.unavailable:
                    golden.write(outcomes, descriptions)
            wrong += golden.differences(outcomes, golden.kept(), zoo.unavailable, is_whole=not options.names)
            failed += bool(wrong)
            print(f"{'FAIL' if wrong else 'ok  '}  round {number}: {len(rows)} plugins at {len(LEVELS)} levels"
                  f" ({time.monotonic() - began:.1f} s)")
            for line in [*wrong, *(zoo.figures if wrong or number in (1, options.rounds) else [])]:
                print(f"        {line}")
            sys.stdout.flush()
        if wrong := zoo.end():
            failed += 1
            print("FAIL  the end", *wrong, sep="\n        ")
    except (HostEnded, AssertionError) as error:
        failed += 1
        print(f"FAIL  {error}")
    finally:
        processes.kill_all()
    if failed == 0:
        shutil.rmtree(scratch)
    else:
        print(f"left for you in {scratch}")
    print(f"{options.rounds} rounds, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
