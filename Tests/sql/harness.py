"""The plugin in the test's own host (host.c), and counting of checks."""
import json
import queue
import subprocess
import sys
import threading

SUCCESS, RETRYABLE, PERMANENT, CANCELLED = 0, 1, 2, 3
USER, TIMEOUT, SHUTDOWN = 1, 2, 3
passed = failed = 0


def check(condition, what, *shown):
    global passed, failed
    if condition:
        passed += 1
    else:
        failed += 1
        frame = sys._getframe(1)
        while "/harness.py" in frame.f_code.co_filename:
            frame = frame.f_back
        print(f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno}: {what}", *(repr(s)[:1200] for s in shown), flush=True)
    return bool(condition)


def equal(got, wanted, what):
    return check(got == wanted, f"{what}: got", got, wanted)


class Job:
    def __init__(self, host, number):
        self.host, self.number, self.done = host, number, queue.Queue()
        self.result = None

    def wait(self):
        if self.result is None:
            self.result = self.done.get(timeout=120)
        return self.result

    def cancel(self, reason=USER):
        self.host.send(op="cancel", id=self.number, reason=reason)
        return self


class Host:
    """One process with one instance of the plugin."""

    def __init__(self, program, plugin, folder, config, secrets, artefacts=True):
        self.folder = folder
        self.jobs, self.events, self.number = {}, queue.Queue(), 0
        self.process = subprocess.Popen([program, plugin, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        self.send(op="create", config=config, secrets=secrets, artefacts=artefacts)
        self.created = self.events.get(timeout=60)

    def send(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "done":
                self.jobs[event["id"]].done.put(event)
            elif event["event"] == "breach":
                check(False, "breach of the ABI", event["what"])
            else:
                self.events.put(event)

    def start(self, target, payload="", again=0, deadline=0, **parameters):
        if self.created["status"] != 0:
            raise RuntimeError(f"the configuration was refused: {self.created}")
        self.number += 1
        job = self.jobs[self.number] = Job(self, self.number)
        for name, value in parameters.items():
            if not isinstance(value, str):
                parameters[name] = json.dumps(value)
        self.send(op="start", id=self.number, target="sql:" + target, parameters=parameters, payload=payload, again=again, deadline=deadline)
        return job

    def run(self, target, **parameters):
        return self.start(target, **parameters).wait()

    def rows(self, target, **parameters):
        """The rows of the one result set of a job that must succeed."""
        return self.output(target, **parameters)["results"][0]

    def output(self, target, **parameters):
        result = self.run(target, **parameters)
        if not check(result["outcome"] == SUCCESS, f"{target} must succeed", result):
            return {"results": [[]], "out": {}, "rowCount": None}
        return json.loads(result["output"])

    def fails(self, outcome, code, target, part="", **parameters):
        return ended(self.start(target, **parameters), outcome, code, part, target)

    def check(self):
        self.send(op="check")
        return self.events.get(timeout=120)

    def peak_kib(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))

    def close(self):
        self.send(op="quit")
        self.process.stdin.close()
        status = self.process.wait(timeout=120)
        equal(status, 0, "status of the host at its end (a sanitizer's report makes it another)")


def ended(job, outcome, code, part="", what=""):
    result = job.wait()
    check(result["outcome"] == outcome and result.get("code", "") == code and part in result.get("message", ""),
          f"{what} must end with {outcome} {code} … {part}", result)
    return result
