"""A host with the zoo at one level of isolation."""
import json
import os
import re
import shutil
import subprocess
import time

import host as hosts
from figures import MIB, Figures

# Far more than any machine needs, and so short that nobody waits long for what never ends.
LONG, SHORT = "10m", "1s"
# Rows at once.
ABREAST = 6
NEIGHBOUR = "bench.serial"
# The host's own memory may grow by what it keeps of executions and logs, and by what its heap does not give back.
GROWTH = 256 * MIB


def outcome(attempt):
    """The end of an attempt in the words of the table."""
    word, error = attempt["outcome"], attempt.get("error") or {}
    code = error.get("code", "")
    if word == "crashed":
        facts = json.loads(error.get("details") or "{}")
        if "signal" in facts:
            return f"crashed({facts['signal']})"
        if "exitStatus" in facts:
            return f"crashed(exit {facts['exitStatus']})"
        return f"crashed({error.get('message', '').rpartition(': ')[2]})"
    if word in ("failed", "rejected"):
        return f"{word}({code})"
    return word if word != "timedOut" or code == "spindle.timeout" else f"timedOut({code})"


def plain(reason):
    """A reason without what differs from run to run, and without what nobody reads to its end."""
    reason = re.sub(r"/proc/self/fd/\d+", "/proc/self/fd/N", reason)
    reason = re.sub(r"(/not)+", "/not…", reason)
    return re.sub(r"(at byte|the file at|has) \d{4,}", r"\1 N", reason)


class Refused(Exception):
    """The host did not take a job."""


class Calm:
    """Whether a host has no processes below it, and what else it has of its beginning no longer changes."""

    def __init__(self):
        self.last = None
        self.since = 0.0

    def __call__(self, now):
        what = (now.descriptors, now.threads, now.children, now.zombies)
        if what != self.last or now.children or now.zombies:
            self.last, self.since = what, time.monotonic()
        return time.monotonic() > self.since + 3


class Level:
    """`run_round` returns the outcomes by plugin; `wrong` says what else was not as it must be."""

    def __init__(self, bin_directory, scratch, plugins, rows, name, refusal=None):
        self.name = name
        self.rows = rows
        self.refusal = refusal
        self.wrong = []
        self.bin = bin_directory
        self.place = hosts.Place(bin_directory, scratch, name)
        self.place.plugins = os.path.join(self.place.directory, "plugins")
        self.aside = os.path.join(self.place.directory, "aside")
        for directory in (self.place.plugins, self.aside):
            os.mkdir(directory, 0o755)
        for row in rows:
            if not row.skipped(name):
                self.add(row, os.path.join(plugins, f"{row.name}.so"))
        self.put("bench", os.path.join(bin_directory, "libspindle-plugin-bench.so"), "idleTimeout: 1s\n")
        self.served = self.failures = 0
        self.before = None

    # Its files.

    def add(self, row, file):
        # What is asked twice must find the same worker.
        text = "idleTimeout: 5s\nconcurrency: 1\n" if row.times > 1 else "idleTimeout: 1s\n"
        if row.sidecar:
            text += row.sidecar + "\n"
        if row.needs and self.name in ("sandbox", "one-shot"):
            text += f"needs: {{{row.needs}}}\n"
        self.put(row.name, file, text, self.aside if row.is_looked_at else self.place.plugins)
        if row.links[1:]:
            shutil.copy(os.path.join(os.path.dirname(file), "libbeside.so"), self.place.plugins)

    def put(self, name, file, sidecar, directory=None):
        directory = directory or self.place.plugins
        target = os.path.join(directory, f"{name}.so")
        shutil.copyfile(file, target)
        os.chmod(target, 0o644)
        with open(os.path.join(directory, f"{name}.yaml"), "w", encoding="ascii") as text:
            text.write(f"isolation: {self.name}\n{sidecar}")
            if self.name == "in-process":
                text.write("allowInProcess: true\n")
        os.chmod(os.path.join(directory, f"{name}.yaml"), 0o644)

    # Its host.

    def start(self):
        self.host = hosts.Host(self.place, [
            "plugins.probeTimeout=5m", "executionEngine.cancelGrace=200ms", "executionEngine.maxConcurrentJobs=16"])

    def is_ready(self):
        """Waits until the host listens, and takes its figures when nothing runs any more."""
        self.connection = self.host.connect()
        self.listed = {one["name"]: one for one in self.connection.get("/v1/plugins")["plugins"]}
        if not self.refusal:
            for _ in range(8):
                self.neighbour_ends(self.submit(NEIGHBOUR, target="noop"))
        self.before = self.settled(Calm(), "its workers of the beginning to end")

    def stop(self):
        self.connection.close()
        self.host.stop()
        self.wrong += self.host.complaints()

    def kill(self):
        if not self.host.has_ended:
            self.host.kill()

    # A round.

    def run_round(self):
        """All rows once; returns their outcomes."""
        outcomes, waiting = {}, []
        for row in self.rows:
            if row.skipped(self.name):
                outcomes[row.name] = row.skipped(self.name)
            elif row.is_looked_at:
                outcomes[row.name] = self.look(row)
            elif self.listed[row.name]["state"] != "serving":
                outcomes[row.name] = self.refused(self.listed[row.name])
            else:
                waiting.append(row)
        running, neighbour = {}, None
        while waiting or running:
            if self.host.has_ended:
                self.host.fail(f"the host ended with status {self.host.process.returncode}")
            while waiting and len(running) < ABREAST:
                row = waiting.pop(0)
                try:
                    running[row] = [self.submit(row.name, row) for _ in range(row.times)]
                except Refused as error:
                    outcomes[row.name] = f"refused at submission: {error}"
            neighbour = neighbour or self.submit(NEIGHBOUR, target="noop")
            for row, executions in list(running.items()):
                if all("finishedAt" in self.connection.get(f"/v1/executions/{one}") for one in executions):
                    outcomes[row.name] = self.ended(row, executions)
                    del running[row]
            if "finishedAt" in self.connection.get(f"/v1/executions/{neighbour}"):
                self.neighbour_ends(neighbour)
                neighbour = None
            time.sleep(0.02)
        if neighbour:
            self.neighbour_ends(neighbour)
        return {row.name: outcomes[row.name] for row in self.rows}

    def look(self, row):
        """What the host says of a file that it is only asked about."""
        command = [self.place.spindle, "plugins", "inspect", os.path.join(self.aside, f"{row.name}.so"), "--json",
                   "--set", "plugins.probeTimeout=1s"]
        ended = subprocess.run(command, env=self.place.environment(), capture_output=True, text=True, timeout=hosts.PATIENCE)
        return self.refused(json.loads(ended.stdout)["summary"])

    def refused(self, listing):
        return f"{listing['state']}: {plain(listing.get('reason', ''))}"

    def ended(self, row, executions):
        words = []
        for one in executions:
            attempts = self.connection.get(f"/v1/executions/{one}/attempts")["attempts"]
            words.append(", ".join(outcome(attempt) for attempt in attempts))
        same = row.same or {}
        return ", then ".join(same.get(word, word) for word in words)

    # Executions.

    def submit(self, type, row=None, target=""):
        limit = SHORT if row and row.ends_by_time else LONG
        body = {"type": type, "target": target, "parameters": {"outside": os.readlink("/proc/self/ns/pid")} if row else {},
                "policy": {"timeout": limit, "retry": {"strategy": "none"}}}
        status, answer = self.connection.call("POST", "/v1/executions", json.dumps(body))
        if status == 400:
            raise Refused(json.loads(answer)["detail"])
        if status != 201:
            raise AssertionError(f"{type} at {self.name} was answered {status}: {answer.decode()}")
        return json.loads(answer)["id"]

    def neighbour_ends(self, execution):
        """Whoever is beside the zoo must not notice it."""
        given_up = time.monotonic() + hosts.PATIENCE
        while "finishedAt" not in (end := self.connection.get(f"/v1/executions/{execution}")):
            if time.monotonic() > given_up:
                self.host.fail(f"waited {hosts.PATIENCE} s for a neighbour")
            time.sleep(0.01)
        self.served += 1
        attempts = self.connection.get(f"/v1/executions/{execution}/attempts")["attempts"]
        if end["state"] != "succeeded" or len(attempts) != 1:
            self.failures += 1
            self.wrong.append(f"{self.name}: a neighbour ended {end['state']}: {attempts}")

    # Its figures.

    def look_around(self):
        """After a round: the host has what it had before. Returns its figures."""
        stays = sum(row.stays for row in self.rows) if self.name == "in-process" else 0
        after = self.settled(lambda now: now.is_back_at(self.before, stays), "the host to be as before")
        if after.resident > self.before.resident + GROWTH:
            self.wrong.append(f"{self.name}: the host has {after.resident // MIB} MiB, before {self.before.resident // MIB}")
        return after

    def settled(self, condition, what):
        """Waits until the figures are so; what must come may take long on a busy machine."""
        given_up = time.monotonic() + hosts.PATIENCE
        while not condition(now := Figures.of(self.host.process.pid)):
            if time.monotonic() > given_up:
                self.wrong.append(f"{self.name}: waited {hosts.PATIENCE} s for {what}: before {self.before}; now {now}")
                break
            time.sleep(0.05)
        return now
