"""A real host with the plugin at both levels of isolation, and what its API says of executions."""
import http.client
import json
import os
import signal
import socket
import subprocess
import time

LEVELS = ("worker", "sandbox")


class SocketConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Host:
    """Type `worker` and type `sandbox` are the same plugin with the same configuration."""

    def __init__(self, binaries, plugin, home, sidecar, sandbox_needs, secrets):
        self.binaries, self.home = binaries, home
        for folder in ("", "plugins", "state", "secrets"):
            os.makedirs(f"{home}/{folder}", mode=0o700, exist_ok=True)
        os.chmod(home, 0o711)
        for name, value in secrets.items():
            with open(os.open(f"{home}/secrets/{name}", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(value)
        for level in LEVELS:
            text = f"isolation: {level}\n" + (sandbox_needs if level == "sandbox" else "") + sidecar.replace("TYPE", level)
            with open(os.open(f"{home}/plugins/{level}.yaml", os.O_WRONLY | os.O_CREAT, 0o644), "w") as file:
                file.write(text)
            self.run("plugins", "add", plugin, "--as", level, "--plugins", f"{home}/plugins")
        self.process = None
        self.start()

    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SPINDLE_")}
        return {**kept, "SPINDLE_STATE": f"{self.home}/state", "SPINDLE_PLUGINS_DIRECTORY": f"{self.home}/plugins",
                "SPINDLE_SECRETS_DIRECTORY": f"{self.home}/secrets", "PATH": f"{self.binaries}:{os.environ['PATH']}"}

    def run(self, *words):
        return subprocess.run([f"{self.binaries}/spindle", *words], env=self.environment(), check=True, capture_output=True, text=True)

    def start(self):
        self.log = open(f"{self.home}/host.log", "a")
        self.process = subprocess.Popen([f"{self.binaries}/spindle", "serve"], env=self.environment(), stderr=self.log)
        while True:
            if self.process.poll() is not None:
                raise RuntimeError("the host ended: " + open(f"{self.home}/host.log").read()[-2000:])
            try:
                self.api("GET", "/v1/status")
                return
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.02)  # until it listens

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def api(self, method, path, body=None, raw=False):
        connection = SocketConnection(f"{self.home}/state/spindle.db.sock")
        try:
            text = body if body is None or isinstance(body, bytes) else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
            if raw and answer.status == 404:
                return b""  # it has none
        finally:
            connection.close()
        if raw:
            return data
        return json.loads(data) if data else {}

    def submit(self, submissions):
        """Ids, in order."""
        answer = self.api("POST", "/v1/executions", {"executions": submissions})
        return [one["receipt"]["id"] if "receipt" in one else one["problem"] for one in answer["executions" if "executions" in answer else "results"]]

    def result(self, name):
        """The end of an execution: what its last attempt said, and how many there were."""
        while True:
            execution = self.api("GET", f"/v1/executions/{name}/wait?timeout=60s")
            execution = execution.get("execution", execution)
            if execution["state"] in ("succeeded", "failed", "cancelled"):
                break
        attempts = self.api("GET", f"/v1/executions/{name}/attempts")["attempts"]
        error = attempts[-1].get("error") or {}
        return {"state": execution["state"], "attempts": len(attempts), "code": error.get("code", ""),
                "message": error.get("message", ""), "metadata": attempts[-1].get("metadata", {}), "id": name,
                "timeout": execution["policy"].get("timeout"), "first": attempts[0].get("error") or {}, "details": error.get("details", "")}

    def output(self, name):
        return self.api("GET", f"/v1/executions/{name}/output", raw=True)

    def artefact(self, name, attempt=1):
        return self.api("GET", f"/v1/executions/{name}/artefacts/{attempt}/body", raw=True)


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, good, text):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {text}")
        return good
