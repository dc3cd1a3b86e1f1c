"""Plugins that do what they must not, in a real host: it lives on, and says who it was."""
import json
import os
import sqlite3
import subprocess
import time
from dataclasses import dataclass

import host as hosts
from journal import Journal
from store import Store

MIB = 1 << 20
FLOOD = 1024 * MIB
FLOODS = [64 * MIB] * 4
# DESIGN: 10 MiB of log an attempt, its first and its last lines. One chunk of 64 KiB may stand over.
LOG_LIMIT = 10 * MIB + 2 * 64 * 1024
ONCE = {"retry": {"strategy": "none"}}


@dataclass(frozen=True)
class Case:
    """`outcomes`: how the culprit's attempts end, and what the error of the last one says. `neighbours`: what happens to the
    attempts that run beside it in the same worker. `last_words`: whether it prints before its end."""

    target: str
    outcomes: tuple
    says: str
    neighbours: str = "interrupted"
    exit_status: int = 1
    last_words: bool = True


# Where no handler runs (there is none for exit, and none can run on a stack that is full), any of those in the worker may be to
# blame: each runs again alone, and then it is known.
CASES = {
    "segv": Case("crash", ("crashed",), "SIGSEGV"),
    "abort": Case("abort", ("crashed",), "SIGABRT"),
    "exit": Case("exit", ("interrupted", "crashed"), "exited with status 0"),
    "overflow": Case("overflow", ("interrupted", "crashed"), "SIGSEGV", last_words=False),
    "loop": Case("loop", ("timedOut",), "time limit", neighbours="undisturbed", exit_status=124, last_words=False),
    "flood": None,
    "floods": None,
}


class Misbehaviour:
    """One case; `run` returns what is wrong."""

    SETTINGS = ["executionEngine.cancelGrace=200ms", "executionEngine.maxConcurrentJobs=16"]

    def __init__(self, place, name):
        self.place = place
        self.name = name
        self.wrong = []
        self.notes = []
        self.journal = Journal(place.journal)
        self.lines = []

    def run(self):
        self.host = hosts.Host(self.place, self.SETTINGS)
        self.connection = self.host.connect()
        case = CASES[self.name]
        if self.name == "flood":
            self.flood_of_one()
        elif self.name == "floods":
            self.flood_of_many()
        else:
            self.beside_neighbours(case)
            self.alone(case)
        self.host_is_well()
        if case is not None:
            self.as_a_command(case)
        return self.wrong

    def figures(self):
        return self.notes

    # The culprits.

    def beside_neighbours(self, case):
        """The culprit shares its worker with others, which must not pay for it."""
        gate = os.path.join(self.place.directory, "gate")
        neighbours = [self.submit("bench", "await", gate=gate) for _ in range(3)]
        self.await_begins(neighbours, 1)
        culprit = self.submit("bench", case.target)
        self.await_begins([culprit], 1)
        if len({line.process for line in self.lines}) != 1:
            self.wrong.append("the culprit does not share its worker: the test proves nothing")
        if case.neighbours == "interrupted":
            self.until(lambda: all(self.outcomes(one) for one in neighbours), "the neighbours' first attempts to end")
        else:
            self.await_end(culprit)
        open(gate, "w").close()
        self.expect_culprit(culprit, case)
        for one in neighbours:
            end = self.await_end(one)
            if end["state"] != "succeeded" or end["failures"] != 0 or end["crashes"] != 0:
                self.wrong.append(f"a neighbour ended {end['state']} with {end['failures']} failures, {end['crashes']} crashes")
            expected = ["succeeded"] if case.neighbours == "undisturbed" else ["interrupted", "succeeded"]
            if self.outcomes(one) != expected:
                self.wrong.append(f"the attempts of a neighbour ended {self.outcomes(one)}")
        self.worker_is_gone(culprit)

    def alone(self, case):
        """With a worker of its own there is no doubt about the culprit."""
        culprit = self.submit("bench.serial", case.target)
        self.expect_culprit(culprit, case, outcomes=case.outcomes[-1:])
        said = [line["message"] for line in self.log_of(culprit)]
        if case.last_words and said != ["last words"]:
            self.wrong.append(f"what it said before its end is not logged, but {said}")
        self.worker_is_gone(culprit)

    def expect_culprit(self, culprit, case, outcomes=None):
        end = self.await_end(culprit)
        attempts = self.attempts(culprit)
        seen = tuple(attempt["outcome"] for attempt in attempts)
        if end["state"] != "failed" or seen != (outcomes or case.outcomes):
            self.wrong.append(f"the culprit ended {end['state']}, its attempts {seen}")
        message = attempts[-1].get("error", {}).get("message", "")
        if case.says not in message:
            self.wrong.append(f"its last attempt does not say {case.says!r} but {message!r}")

    def worker_is_gone(self, culprit):
        self.read_journal()
        for process in {line.process for line in self.lines if line.execution == culprit}:
            self.until(lambda: not os.path.exists(f"/proc/{process}"), f"worker {process} to end")

    # Floods.

    def flood_of_one(self):
        """What a serial attempt prints is its own log: bounded, with its first and its last lines."""
        flooder = self.submit("bench.serial", "flood", bytes=str(FLOOD))
        end, answers, worst = self.await_end_while_asking(flooder)
        if end["state"] != "succeeded":
            self.wrong.append(f"the flood ended {end['state']}")
        # The host itself says where it dropped lines.
        numbers = [int(line["message"].split(" ")[0]) for line in self.log_of(flooder) if line["stream"] == "stdout"]
        last = FLOOD // 4096
        if numbers[:100] != list(range(1, 101)):
            self.wrong.append(f"the log does not begin with the first lines but with {numbers[:10]}")
        if numbers[-10:] != list(range(last - 9, last + 1)):
            self.wrong.append(f"the log does not end with the last lines, up to {last}, but with {numbers[-10:]}")
        if numbers != sorted(set(numbers)):
            self.wrong.append("the lines of the log are not in order")
        with sqlite3.connect(f"file:{self.place.store}-logs?mode=ro", uri=True) as log:
            (stored,), = log.execute("SELECT sum(length(lines)) FROM chunks")
        if stored > LOG_LIMIT:
            self.wrong.append(f"{stored} bytes of log are stored; {LOG_LIMIT} are allowed")
        self.host_is_small()
        self.notes.append(f"{stored / MIB:.1f} MiB of log stored; the API answered {answers} times, the slowest after"
                          f" {worst:.3f} s")

    def flood_of_many(self):
        """What is printed while many attempts share a worker goes to the host's own log, which must not drown in it."""
        before = os.path.getsize(self.place.log)
        flooders = [self.submit("bench", "flood", bytes=str(size)) for size in FLOODS]
        for one in flooders:
            end, answers, worst = self.await_end_while_asking(one)
            if end["state"] != "succeeded":
                self.wrong.append(f"a flood ended {end['state']}")
        written = os.path.getsize(self.place.log) - before
        if written > LOG_LIMIT:
            self.wrong.append(f"the host wrote {written} bytes to its own log; {LOG_LIMIT} are allowed")
        self.host_is_small()
        self.notes.append(f"{written / MIB:.1f} MiB in the host's log; the API's slowest answer came after {worst:.3f} s")

    def await_end_while_asking(self, execution):
        answers, worst = 0, 0.0
        while True:
            began = time.monotonic()
            end = self.execution(execution)
            worst = max(worst, time.monotonic() - began)
            answers += 1
            if "finishedAt" in end:
                return end, answers, worst
            time.sleep(0.01)

    def host_is_small(self):
        """A quarter of the flood is far above what the host needs, and far below what it would need to keep it."""
        with open(f"/proc/{self.host.process.pid}/status", encoding="ascii") as file:
            peak = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
        self.notes.append(f"the host used at most {peak / MIB:.0f} MiB")
        if peak > FLOOD // 4:
            self.wrong.append(f"the host used {peak} bytes of memory")

    # The host.

    def host_is_well(self):
        """It still runs, still works, holds nothing back, and stops in order."""
        if self.host.has_ended:
            self.host.fail(f"the host ended with status {self.host.process.returncode}")
        for type in ("bench", "bench.serial", "bench.async"):
            if self.await_end(self.submit(type, "noop"))["state"] != "succeeded":
                self.wrong.append(f"afterwards {type} does not work")
        self.until(lambda: (status := self.connection.get("/v1/status"))["running"] + status["lingering"] == 0,
                   "all slots to come back")
        self.connection.close()
        self.host.stop()
        _, left = hosts.wait_for_workers_to_go()
        self.wrong += left + self.host.complaints()
        with Store(self.place.store) as store:
            self.wrong += store.integrity() + store.wrong_counters()

    def as_a_command(self, case):
        """`spindle run` names the culprit and says by its exit status how it ended."""
        command = [self.place.spindle, "run", "--plugins", self.place.plugins, "--type", "bench.serial", "--target", case.target,
                   "--retries", "0", "--set", self.SETTINGS[0]]
        if case.exit_status == 124:
            command += ["--timeout", "1s"]
        ended = subprocess.run(command, env=self.place.environment(), capture_output=True, text=True, timeout=hosts.PATIENCE)
        if ended.returncode != case.exit_status or case.says not in ended.stderr:
            self.wrong.append(f"spindle run ended with {ended.returncode} and said {ended.stderr!r}")

    # What the API says.

    def submit(self, type, target, **parameters):
        body = {"type": type, "target": target, "parameters": {"journal": self.place.journal, **parameters},
                "policy": {**ONCE, **({"timeout": "1s"} if target == "loop" else {})}}
        status, answer = self.connection.call("POST", "/v1/executions", json.dumps(body))
        if status != 201:
            raise AssertionError(f"{target} was answered {status}: {answer.decode()}")
        return json.loads(answer)["id"]

    def execution(self, id):
        return self.connection.get(f"/v1/executions/{id}")

    def attempts(self, id):
        return self.connection.get(f"/v1/executions/{id}/attempts")["attempts"]

    def log_of(self, id):
        status, body = self.connection.call("GET", f"/v1/executions/{id}/logs")
        if status != 200:
            raise AssertionError(f"the log of {id} was answered {status}")
        return [json.loads(line) for line in body.splitlines()]

    def outcomes(self, id):
        return [attempt["outcome"] for attempt in self.attempts(id) if "outcome" in attempt]

    def await_end(self, id):
        self.until(lambda: "finishedAt" in self.execution(id), f"{id} to end")
        return self.execution(id)

    def read_journal(self):
        self.lines += self.journal.read()

    def await_begins(self, executions, attempt):
        def have_begun():
            self.read_journal()
            return all(any(line.execution == one and line.attempt == attempt for line in self.lines) for one in executions)
        self.until(have_begun, "the attempts to begin")

    def until(self, condition, what):
        """Waits for what must come; the patience is far above what any machine needs."""
        given_up = time.monotonic() + hosts.PATIENCE
        while not condition():
            if self.host.process.poll() is not None and self.host.process.returncode != 0:
                self.host.fail(f"the host ended with status {self.host.process.returncode}")
            if time.monotonic() > given_up:
                self.host.fail(f"waited {hosts.PATIENCE} s for {what}")
            time.sleep(0.01)
