"""The table "What happens when" of the page, row by row, at both levels."""
import json
import os
import re
import subprocess
import sys
import time
import urllib.request

from host import LEVELS

PAGE = "Docs/executors/http.md"


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.read()


class Server:
    """server.py on a port of its own, to be killed."""

    def __init__(self, here):
        self.process = subprocess.Popen([sys.executable, f"{here}/server.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def open_hangs(self):
        return json.loads(get(self.port, "/seen"))["open_hangs"]

    def kill(self):
        self.process.kill()
        self.process.wait()


def rows(root):
    """From the page: what happens -> (outcome, code, words)."""
    text = open(f"{root}/{PAGE}").read().split("## What happens when", 1)[1].split("\n## ", 1)[0]
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 4 and cells[0] != "What happens":
            found[cells[0]] = (cells[1], cells[2].strip("`"), cells[3].strip())
    return found


def describe(result):
    """As the page says it. Each job has one retry, so two attempts are a failure that is retried."""
    outcome = {"succeeded": "succeeds", "cancelled": "cancelled"}.get(result["state"])
    if outcome is None:
        outcome = "retried" if result["attempts"] == 2 else "permanent"
    code, words = result["first"].get("code", ""), result["first"].get("message", "")
    # The executor's own limit is the host's: which of the two speaks first is chance.
    if code == "http.timeout" and result["timeout"] == "300ms":
        code, words = "spindle.timeout", "The attempt did not end within its time limit of 300ms."
    return outcome, code, words


def job(level, target, timeout="60s", **parameters):
    return {"type": level, "target": target, "parameters": parameters,
            "policy": {"retry": {"maxRetries": 1, "strategy": "fixed", "baseDelay": "10ms"}, "timeout": timeout}}


def simple(port, tls, closed, level):
    """What needs nobody to do anything in the middle."""
    here, secure = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls}"
    return {
        f"The server is down (`{level}`)": job(level, f"http://127.0.0.1:{closed}/"),
        "The name has no address": job(level, "http://no-such-host.invalid/"),
        "It breaks off in the middle of the body": job(level, f"{here}/partial"),
        "It closes the connection without an answer": job(level, f"{here}/reset"),
        "It is slow, but in time": job(level, f"{here}/slow"),
        "It does not answer in time": job(level, f"{here}/hang", "300ms"),
        "It stops in the middle of the body": job(level, f"{here}/slowbody", "300ms"),
        "It answers with what is not HTTP": job(level, f"{here}/garbage"),
        "It answers a damaged coding": job(level, f"{here}/badgzip"),
        "It sends 300 headers": job(level, f"{here}/headers/300"),
        "It is overloaded": job(level, f"{here}/status/503"),
        "It refuses the request": job(level, f"{here}/status/400"),
        "The job has wrong credentials": job(level, f"{here}/secure", Header_Authorization="Bearer secret://token"),
        "The host's client is refused by the token endpoint": job(level, f"http://127.0.0.2:{port}/secure"),
        "The token endpoint is down": job(level, f"http://127.0.0.3:{port}/secure"),
        "Its certificate is for another name": job(level, f"{secure}/hello"),
        "It does not speak TLS": job(level, f"https://127.0.0.1:{port}/"),
        "The body is over 1 MiB": job(level, f"{here}/big/3000000"),
        "The body is over 1 MiB, with `SaveBody=artefact`": job(level, f"{here}/big/3000000", SaveBody="artefact"),
        "The body is over `maxArtefactBytes`": job(level, f"{here}/big/9000000", SaveBody="artefact"),
        "A body of 64 MiB comes in 64 KiB of gzip": job(level, f"{here}/bomb", SaveBody="artefact"),
        "The address is not allowed": job(level, "http://169.254.169.254/latest/meta-data"),
        "A redirect leads to such an address": job(level, f"{here}/to/302/http://169.254.169.254/", FollowRedirects="true"),
        "The response is not as asserted": job(level, f"{here}/json/7", Assert_Json='{"": 8}'),
        "A file of the form is not there": job(level, f"{here}/echo", File_f="../secrets/token"),
        "The work that it accepted fails": job(level, f"{here}/work/{level}-f/0/failed/state", Async="poll", PollIntervalMs="100", PollState="/job/state"),
        "The work is not done in time": job(level, f"{here}/work/{level}-d/1000000/x", Async="poll", PollIntervalMs="100", PollDeadlineMs="350"),
    }


def check(checks, table, seen, what, level, result):
    outcome, code, words = describe(result)
    seen.add(what)
    wanted = table.get(what)
    checks.check(wanted is not None and wanted == (outcome, code, words),
                 f"{what} at {level}:\n  got      {(outcome, code, words)}\n  the page {wanted}")


def in_the_middle(host, checks, table, seen, here, sandbox_port, level):
    """Killed while a request is open; cancelled while one is."""
    server = Server(here) if level == "worker" else sandbox_port
    name = host.submit([job(level, f"http://127.0.0.1:{server.port}/slowbody")])[0]
    while server.open_hangs() == 0:
        time.sleep(0.02)  # until the server has it
    host_cancelled = host.submit([job(level, f"http://127.0.0.1:{server.port}/hang")])[0]
    while server.open_hangs() == 1:
        time.sleep(0.02)
    host.api("POST", f"/v1/executions/{host_cancelled}/cancel")
    check(checks, table, seen, "It is cancelled in the middle", level, host.result(host_cancelled))
    server.kill()
    check(checks, table, seen, "The server is killed in the middle", level, host.result(name))


def resumed(host, checks, port):
    """The host dies while the server works: after its restart the job goes on asking, and sends nothing again."""
    names = {level: host.submit([job(level, f"http://127.0.0.1:{port}/work/{level}-r/40/succeeded/state", Async="poll",
                                     PollIntervalMs="100", PollState="/job/state", Body="{}")])[0] for level in LEVELS}
    for level in LEVELS:
        while json.loads(get(port, f"/jobs/{level}-r")).get("asked", 0) < 2:
            time.sleep(0.02)
    host.kill()
    host.start()
    for level, name in names.items():
        result = host.result(name)
        checks.check(result["state"] == "succeeded" and result["attempts"] == 2, f"resumed at {level}: {result}")
        sent = json.loads(get(port, f"/jobs/{level}-r"))["sent"]
        checks.check(sent == 1, f"resumed at {level}: it was sent {sent} times")


def features(host, checks, port, tls, mtls, level):
    """Each of the configured things, for real: files, tokens, certificates, secrets."""
    here = f"http://127.0.0.1:{port}"
    cases = {
        "file": job(level, f"{here}/echo", Form_a="1", File_f="hello.txt"),
        "token": job(level, f"http://127.0.0.4:{port}/secure", Body="{}"),
        "certificate": job(level, f"https://127.0.0.1:{mtls}/"),
        "secret": job(level, f"{here}/echo", Header_X_Key="secret://token"),
        "artefact": job(level, f"{here}/big/3000000", SaveBody="artefact"),
        "template": job(level, f"{here}/echo/{{id}}", Template="target", Template_id="a/b"),
    }
    results = {what: host.result(name) for what, name in zip(cases, host.submit(list(cases.values())))}
    for what, result in results.items():
        checks.check(result["state"] == "succeeded", f"{what} at {level}: {result}")
    output = {what: host.output(result["id"]).decode("latin-1") for what, result in results.items()}
    checks.check("hello from a file" in output["file"] and 'filename=\\"hello.txt\\"' in output["file"], f"file at {level}: {output['file']}")
    checks.check(output["token"].startswith("welcome Bearer t"), f"token at {level}: {output['token']}")
    checks.check(output["certificate"] == "CN=spindle", f"certificate at {level}: {output['certificate']}")
    checks.check('"X_Key", "***"' in output["secret"], f"secret at {level}: {output['secret']}")
    checks.check(len(host.artefact(results["artefact"]["id"])) == 3000000 // 251 * 251 + 251, f"artefact at {level}")
    checks.check("/echo/a%2Fb" in output["template"], f"template at {level}: {output['template']}")


def run(host, checks, root, here, port, tls, mtls, closed, doomed):
    table, seen = rows(root), set()
    cases = {level: simple(port, tls, closed, level) for level in LEVELS}
    names = {level: host.submit(list(cases[level].values())) for level in LEVELS}
    for level in LEVELS:
        for what, name in zip(cases[level], names[level]):
            check(checks, table, seen, what, level, host.result(name))
        features(host, checks, port, tls, mtls, level)
        in_the_middle(host, checks, table, seen, here, doomed, level)
    resumed(host, checks, port)
    checks.check(set(table) == seen, f"rows of the page that no test made: {set(table) - seen}")
    print(f"what happens when: {len(seen)} rows")
