"""The harness as a process: jobs in, what came of them out; and the count of checks."""

import json
import subprocess
import sys
import threading

passed = failed = 0
counting = threading.Lock()


def check(good, what):
    global passed, failed
    with counting:
        if good:
            passed += 1
        else:
            failed += 1
            print("FAILED:", what)
    return good


def finish():
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


class Harness:
    def __init__(self, program, plugin):
        self.process = subprocess.Popen([program, plugin], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **job):
        job.setdefault("config", {})
        self.process.stdin.write(json.dumps(job).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            check(False, f"the harness ended with status {self.process.wait()} in {job}")
            finish()
        return json.loads(line)

    def close(self):
        """Also sees what the sanitizers find at the end."""
        self.process.stdin.close()
        status = self.process.wait()
        check(status == 0, f"the harness ended with status {status}")


def succeeded(answer, what):
    """The output of a success as JSON."""
    if not check(answer.get("outcome") == 0, f"{what}: {answer.get('code')}: {answer.get('message')}"):
        return None
    return json.loads(answer["output"]) if answer["contentType"] == "application/json" else answer["output"]


def refused(answer, code, text, what, outcome=2):
    check(
        answer.get("code") == code and text in answer.get("message", "") and answer.get("outcome") == outcome,
        f"{what}: wanted {outcome} {code} “{text}”, got {answer.get('outcome')} {answer.get('code')} “{answer.get('message')}”",
    )
