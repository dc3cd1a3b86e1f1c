"""The plugin in the real host, at `worker` and at `sandbox`, and its page: end_to_end.py BINARIES PLUGIN.

Each row of "What happens when" on the page is made to happen and must end as the row says; recipes are run as they stand
there; parameters, configuration and codes are those of the plugin. Ends with "N passed, N failed".
"""
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

BINARIES, PLUGIN = Path(sys.argv[1]), Path(sys.argv[2])
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "Docs/executors/script.md").read_text()
LIMIT = 300  # seconds of any one command; far beyond what it needs
passed = failed = 0
lock = threading.Lock()


def check(good, what):
    global passed, failed
    with lock:
        passed, failed = passed + bool(good), failed + (not good)
        if not good:
            print("FAILED:", what)


def section(title):
    return re.split(r"\n#+ ", PAGE.split(f" {title}\n", 1)[1])[0]


def rows(title):
    lines = [line for line in section(title).splitlines() if line.startswith("| ") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in lines[1:]]


def example(name):
    return re.search(rf"<!-- example: {name} -->\n```[a-z]+\n(.*?)```", PAGE, re.S).group(1)


class Level:
    """A plugin directory and a state directory for one isolation level."""

    def __init__(self, home, name):
        self.name, self.home = name, home / name
        self.plugins = self.home / "state/plugins"
        self.plugins.mkdir(parents=True)
        self.plugins.parent.chmod(0o700)
        shutil.copyfile(PLUGIN, self.plugins / "script.so")
        self.config({})

    def config(self, config, needs="  exec: true\n"):
        sidecar = json.dumps({"config": config})[1:-1] + "\n"
        if self.name == "sandbox":
            # What the page says that it needs, and not more.
            sidecar = example("sandbox").replace("  exec: true\n", needs) + sidecar
        (self.plugins / "script.yaml").write_text(sidecar.replace('"config": ', "config: ", 1))

    def environment(self):
        return {**os.environ, "SPINDLE_STATE": str(self.home / "state"),
                "PATH": f"{BINARIES}:{os.environ['PATH']}"}

    def spindle(self, *arguments, payload=None):
        return subprocess.run([BINARIES / "spindle", *arguments], env=self.environment(), input=payload,
                              capture_output=True, timeout=LIMIT, cwd=self.home)

    def run(self, *arguments, payload=None, **parameters):
        words = [word for key, value in parameters.items() for word in ("-p", f"{key}={value}")]
        words += ["--json", "--retries", "1", "--retry-delay", "1ms"]
        if payload is not None:
            words += ["--payload", "@-"]
        done = self.spindle("run", "--type", "script", *arguments, *words, payload=payload)
        try:
            return json.loads(done.stdout), done.stderr.decode(errors="replace")
        except ValueError:
            return {"state": "none", "error": {"message": done.stderr.decode(errors="replace")}}, ""


def like(text):
    return re.compile(".*".join(re.escape(part) for part in text.split("…")), re.S)


def served(level):
    """What needs a host that goes on: a cancel, files, reports; also the recipes of the page."""
    level.config({})
    host = subprocess.Popen([BINARIES / "spindle", "serve"], env=level.environment(), cwd=level.home, stderr=subprocess.PIPE,
                            stdout=subprocess.DEVNULL)
    try:
        said = b""
        for line in host.stderr:  # until it says that it serves; its end if it does not
            said += line
            if b"listening at" in line:
                break
        else:
            raise RuntimeError(f"the host did not start: {said}")
        threading.Thread(target=host.stderr.read, daemon=True).start()
        submit = lambda *words: level.spindle("submit", "--type", "script", *words).stdout.decode().strip()
        show = lambda id: json.loads(level.spindle("executions", "show", id, "--json").stdout)
        id = submit("-p", "Shell=bash", "-p", "Script=echo ready; exec sleep 1000")
        log = subprocess.Popen([BINARIES / "spindle", "executions", "logs", "-f", id], env=level.environment(),
                               stdout=subprocess.PIPE, cwd=level.home)
        for line in log.stdout:
            if b"ready" in line:
                level.spindle("executions", "cancel", id)
        log.wait(LIMIT)
        level.cancelled = show(id)["execution"], ""
        recipe = subprocess.run(["bash", "-euo", "pipefail", "-c", example("report")], env=level.environment(), cwd=level.home,
                                capture_output=True, timeout=LIMIT, text=True)
        check(recipe.stdout.endswith('{"sum":42}\n42\n'), f"{level.name}: recipe report: {recipe}")
        id = json.loads(level.spindle("executions", "list", "--json").stdout)
        newest = show((id.get("executions") or id.get("items") if isinstance(id, dict) else id)[0]["id"])
        attempt = newest["attempts"][0]
        check(attempt["metadata"].get("lines") == "3" and attempt["metadata"].get("artefacts") == "1", f"{level.name}: {attempt}")
        check([file["name"] for file in newest["artefacts"]] == ["sum.txt"], f"{level.name}: {newest['artefacts']}")
    finally:
        host.terminate()
        host.wait(LIMIT)


def with_config(config, *arguments, **parameters):
    return lambda level: configured(level, config, "  exec: true\n", *arguments, **parameters)


def configured(level, config, needs, *arguments, **parameters):
    level.config(config, needs)
    try:
        return level.run(*arguments, **parameters)
    finally:
        level.config({})


def no_interpreter(level):
    folder = level.home / "files"
    folder.mkdir()
    (folder / "program").write_text("#!/no/such/interpreter\n")
    (folder / "program").chmod(0o755)
    return configured(level, {}, f"  exec: true\n  read: [{folder}]\n", str(folder / "program"))


def simply(*arguments, **parameters):
    return lambda level: level.run(*arguments, **parameters)


# Makes the row of the page happen.
ROWS = {
    "the program is missing": simply("no-such-program"),
    "its file is not executable": simply("/etc/passwd"),
    "its interpreter is missing": no_interpreter,
    "it is killed in the middle": simply(Shell="bash", Script="echo half; kill -KILL $$; echo whole"),
    "it never ends": simply("--timeout", "300ms", Shell="bash", Script="echo ready; exec sleep 1000"),
    "it is cancelled in the middle": lambda level: level.cancelled,
    "it floods stdout": simply(Shell="bash", Script="head -c 20000000 /dev/zero | tr '\\0' x"),
    "it writes garbage, binary and endless lines": simply(Shell="bash", Script="head -c 300000 /dev/zero; printf '\\xff\\xfe'"),
    "its result is huge": simply(Shell="bash", Script="head -c 3000000 /dev/zero | tr '\\0' 1 >$SPINDLE_REPORT"),
    "its report is garbage": simply(Shell="bash", Script="echo 50% >$SPINDLE_REPORT"),
    "it leaves too many files": with_config({"maxArtefacts": 2}, Shell="bash", Script="touch $SPINDLE_ARTEFACTS/{1,2,3}"),
    "it needs more memory than it may": simply(Shell="python3", Script="x = bytearray(500_000_000)", MaxMemoryBytes="200000000"),
    "it needs more time of processors than it may": simply(Shell="bash", Script="while :; do :; done", MaxCpuSeconds="1"),
    "it writes a longer file than it may": simply(Shell="bash", Script="exec head -c 20000 /dev/zero >x", MaxFileBytes="10000"),
    "it is not in `programs`": with_config({"programs": ["/usr/bin/true"]}, "/usr/bin/id"),
    "a job brings a script where none is allowed": with_config({"inline": False}, Shell="bash", Script="id"),
    "a sandbox does not grant `exec`": lambda level: configured(level, {}, "  pids: 100\n", "id"),
    "`user` does not exist": with_config({"user": "no-such-user"}, "id"),
    "`user` is root, and that is not allowed": with_config({"user": "root"}, "id"),
    "the worker dies": simply(Shell="bash", Script="[ $SPINDLE_ATTEMPT = 2 ] && exec echo again; kill -KILL $PPID; exec sleep 1000"),
}


def ends_as_the_page_says(level, row):
    what, outcome, code, message = row
    if what.startswith("a sandbox") and level.name != "sandbox":
        return
    execution, log = ROWS[what](level)
    error = execution.get("error", {})
    text = f"{level.name}: {what}: {json.dumps(execution)[:1500]} {log[:500]}"
    if outcome == "success":
        output = execution.get("output", {})
        sizes = {"it floods stdout": 1048576, "it writes garbage, binary and endless lines": 300002}
        size = len(output.get("text", "")) or len(base64.b64decode(output.get("base64", "")))
        check(execution["state"] == "succeeded" and size in (sizes[what], 0), text)
        return
    attempts = {"permanent": 1, "retried": 2, "cancelled": 1}.get(outcome)
    state = "succeeded" if outcome == "run again" else "cancelled" if outcome == "cancelled" else "failed"
    check(execution["state"] == state, text)
    check(attempts is None or execution["attempt"] == attempts, text)
    if outcome != "run again":
        check(error.get("code") == code.strip("`"), text)
        check(like(message.strip("`")).search(error.get("message", "")), text)


def own_user(level):
    """At `worker` programs may be somebody else's; in a sandbox the worker is nobody who could."""
    execution, log = configured(level, {"user": "65534:65534"}, "  exec: true\n", Shell="bash", Script="id -un")
    if level.name == "worker" and os.geteuid() == 0:
        check(execution.get("output", {}).get("text") == "nobody\n", f"user: {execution} {log}")
    else:
        check("only root can run programs as somebody else" in json.dumps(execution), f"user at {level.name}: {execution} {log}")


def clean(level):
    """`plugins check` has nothing to say against it, with the sidecar of the level."""
    found = level.spindle("plugins", "check", str(level.plugins / "script.so"), "--json")
    verdicts = {item["check"]: item["verdict"] for item in json.loads(found.stdout)}
    check(found.returncode == 0 and set(verdicts.values()) == {"ok"}, f"{level.name}: plugins check: {found}")
    check("calls at once script" in verdicts and "sidecar" in verdicts, f"{level.name}: {verdicts}")


def names_of(schema):
    return set(json.loads(schema)["properties"])


def page_fits():
    """Names, codes and defaults on the page are the plugin's, and the other way round."""
    inspected = subprocess.run([BINARIES / "spindle", "plugins", "inspect", PLUGIN, "--json"], capture_output=True, timeout=LIMIT)
    executor = json.loads(inspected.stdout)["details"]["executors"][0]
    for title, schema in ("Parameters", executor["parametersSchema"]), ("Configuration", executor["configSchema"]):
        table = {name: row for row in rows(title) for name in re.findall(r"`([A-Za-z]+)`", row[0])}
        if set(table) != names_of(schema):
            check(False, f"{title}: {set(table) ^ names_of(schema)}")
            continue
        for name, value in json.loads(schema)["properties"].items():
            if "default" in value:
                default = value["default"] if isinstance(value["default"], str) else json.dumps(value["default"])
                check(default in table[name][2].strip("`") or table[name][2].startswith("`max"), f"{name}: {default}: {table[name]}")
            for bound in ("minimum", "maximum"):
                if bound in value and not table[name][1].endswith("`"):
                    check(str(value[bound]) in table[name][1], f"{name}: {bound} {value[bound]}: {table[name]}")
    sources = "".join(path.read_text() for path in sorted((ROOT / "Plugins/script").glob("*.[ch]")))
    codes = {code.rstrip(".") for code in re.findall(r'"(script\.[a-z.]+)', sources)}
    for code in sorted(codes - {"script.limit", "script.signal", "script.exit", "script.reported"}):
        check(f"`{code}`" in PAGE, f"{code} is not on the page")
    for code in ("script.limit.cpu", "script.limit.file", "script.signal.NAME", "script.exit.N", "script.reported.CODE"):
        check(f"`{code}`" in PAGE, f"{code} is not on the page")
    for code in set(re.findall(r"`(script\.[a-z]+)[.`]", PAGE)) - {"script.yaml", "script.sh"}:
        check(code in sources, f"{code} is only on the page")
    check({row[0] for row in rows("What happens when")} == set(ROWS), f"{ {row[0] for row in rows('What happens when')} ^ set(ROWS)}")


def limits_recipe(level):
    recipe = subprocess.run(["bash", "-uo", "pipefail", "-c", example("limits")], env=level.environment(), cwd=level.home,
                            capture_output=True, timeout=LIMIT, text=True)
    check(recipe.stdout == re.search(r"<!-- output: limits -->\n```text\n(.*?)```", PAGE, re.S).group(1), f"limits: {recipe}")


def main():
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o711)
        page_fits()
        levels = [Level(home, "worker"), Level(home, "sandbox")]

        def all_of(level):
            try:
                served(level)
                for row in rows("What happens when"):
                    ends_as_the_page_says(level, row)
                own_user(level)
                clean(level)
                if level.name == "worker":
                    limits_recipe(level)
            except Exception as error:  # a thread's failure is a failure, not silence
                check(False, f"{level.name}: {error!r}")
                raise

        threads = [threading.Thread(target=all_of, args=(level,)) for level in levels]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
