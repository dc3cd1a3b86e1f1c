"""The plugin in real workers and sandboxes, and the recipes of its page. test_host.py ROOT DIRECTORY CC"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from harness import check, finish

root, directory, cc = sys.argv[1:]
fixture = f"{directory}/libfixture.so"
products = (
    os.environ.get("SPINDLE_BIN_DIR")
    or subprocess.run(["swift", "build", "--show-bin-path"], cwd=root, check=True, capture_output=True, text=True).stdout.strip()
)
plugin = f"{products}/libspindle-plugin-native.so"
if not os.path.exists(plugin):
    plugin = f"{directory}/native-release.so"
    sources = [f"{root}/Plugins/native/{name}" for name in os.listdir(f"{root}/Plugins/native") if name.endswith(".c")]
    subprocess.run(
        [
            cc,
            "-std=c11",
            "-D_GNU_SOURCE",
            "-O2",
            "-fPIC",
            "-fvisibility=hidden",
            "-shared",
            "-I",
            f"{root}/PluginSDK/c/include",
            *sources,
            "-o",
            plugin,
            f"-Wl,--version-script={root}/PluginSDK/plugin.map",
            "-lffi",
            "-ljansson",
        ],
        check=True,
    )
exported = subprocess.run(["nm", "-D", "--defined-only", plugin], capture_output=True, text=True).stdout.split()[2::3]
check(exported == ["spindle_executor_factory_v1"], f"only the factory is exported: {exported}")
page = open(f"{root}/Docs/executors/native.md").read()
# The sandbox's user reads the fixture; the rest of the directory stays closed to it.
os.chmod(fixture, 0o644)


def environment(home):
    return {"HOME": home, "PATH": f"{products}:/usr/bin:/bin", "LANG": "C.UTF-8", "TMPDIR": "/tmp"}


def home_with(name, sidecar):
    home = f"{directory}/{name}"
    plugins = f"{home}/.local/state/spindle/plugins"
    os.makedirs(home, mode=0o755)
    added = subprocess.run(
        [f"{products}/spindle", "plugins", "add", plugin, "--as", "native"], env=environment(home), capture_output=True, text=True
    )
    check(added.returncode == 0, f"plugins add: {added.stderr}")
    with open(f"{plugins}/native.yaml", "w") as file:
        file.write(sidecar)
    os.chmod(f"{plugins}/native.yaml", 0o644)
    return home


class Level:
    """A host whose workers have one level of isolation."""

    def __init__(self, name):
        needs = f"needs: {{read: [{fixture}]}}\n" if name == "sandbox" else ""
        libraries = f"[libm.so.6, libz.so.1, libcrypto.so.3, libsqlite3.so.0, libc.so.6, {fixture}]"
        self.name = name
        self.home = home_with(name, f"isolation: {name}\n{needs}config: {{libraries: {libraries}}}\n")
        self.environment = environment(self.home)
        self.server = subprocess.Popen(
            [f"{products}/spindle", "serve", "--set", "plugins.quarantineAfter=100"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in self.server.stdout:
            if "listening at" in line:
                break
        else:
            check(False, f"{name}: no host")
        # Nobody else reads it, and a full pipe would stop the host.
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.server.stdout))
        self.reader.start()

    def spindle(self, *arguments, **more):
        return subprocess.run([f"{products}/spindle", *arguments], env=self.environment, capture_output=True, timeout=300, **more)

    def submit(self, target, *args, parameters=(), options=(), payload=None, retries="0"):
        """The id."""
        given = ["-p", f"args={json.dumps(list(args))}"] if payload is None else ["--payload", payload]
        for parameter in parameters:
            given += ["-p", parameter]
        sent = self.spindle("submit", "--type", "native", target.replace("FIX", fixture), *given, "--retries", retries, *options)
        return sent.stdout.decode().split("\n")[0].strip() or sent.stderr.decode()

    def ended(self, identity):
        """Its last attempt, its own facts and its output; waits for the end by following the log."""
        self.spindle("executions", "logs", "--follow", identity)
        shown = json.loads(self.spindle("executions", "show", "--json", identity).stdout)
        good = shown["execution"]["state"] == "succeeded"
        return shown["attempts"][-1], shown["execution"], self.spindle("executions", "output", identity).stdout if good else b""

    def close(self):
        self.server.terminate()
        self.reader.join()
        check(self.server.wait() == 0, f"{self.name}: the host ended with {self.server.returncode}: {''.join(self.lines)}")


def everything(level):
    """Everything that the table on the page says of a real host."""
    name = level.name
    started = {
        "endless": level.submit("native:FIX!endless()->void", options=["--timeout", "1s"]),
        "pow": level.submit("native:libm.so.6!pow(f64,f64)->f64", 2, 10),
        "crc": level.submit("native:libz.so.1!crc32(u64,bytes<u32>)->u64", 0, "hello"),
        "sha": level.submit("native:libcrypto.so.3!SHA256(bytes,out bytes[32])->ptr", "abc", parameters=["Output=out0"]),
        "qsort": level.submit("native:libc.so.6!qsort(inout i32[],size=len(0),size,callback compare(i32))->void", [3, 1, 2], 4),
        "artefact": level.submit("native:FIX!every_byte(out bytes[*]<size>)->void", 3000000, parameters=["Output=out0"]),
        "errno": level.submit("native:FIX!fails_with(i32)->i32", 2, parameters=["Fails=< 0, errno"]),
        "denied": level.submit("native:libdl.so.2!dlopen(cstr,i32)->ptr", "x", 1),
        "symbol": level.submit("native:libm.so.6!system(cstr)->i32", "true"),
        "large": level.submit("native:FIX!every_byte(out bytes[*]<size>)->void", 500000000),
        "quit": level.submit("native:FIX!quit(i32)->void", 3),
        "crash": level.submit("native:libc.so.6!strlen(u64)->u64", 1),
        "garbage": level.submit("native:FIX!garbage()->cstr"),
        "overrun": level.submit("native:FIX!overrun(out bytes[32])->void"),
        "list": level.submit(
            "",
            payload=json.dumps(
                {
                    "calls": [
                        {
                            "call": "libsqlite3.so.0!sqlite3_open(cstr,out ptr<db>)->i32",
                            "args": [":memory:"],
                            "as": "db",
                            "fails": "!= 0",
                        },
                        {
                            "call": "libsqlite3.so.0!sqlite3_exec(ptr<db>,cstr,callback collect(ptr,i32,cstr[$1],cstr[$1])->i32,ptr?,out cstr free(sqlite3_free))->i32",
                            "args": [{"$": "db"}, "select 1 as one, 'two' as two", None],
                        },
                        {"call": "libsqlite3.so.0!sqlite3_close(ptr<db>)->i32", "args": [{"$": "db"}], "always": True},
                    ]
                }
            ),
        ),
    }

    def ended(job, state, outcome):
        attempt, execution, output = level.ended(started[job])
        check(execution["state"] == state and attempt["outcome"] == outcome, f"{name} {job}: {execution['state']} {attempt}")
        return attempt, execution, output

    check(json.loads(ended("pow", "succeeded", "succeeded")[2]) == {"result": 1024, "out": [], "errno": 0}, f"{name} pow")
    check(json.loads(ended("crc", "succeeded", "succeeded")[2])["result"] == 907060870, f"{name} crc32")
    check(ended("sha", "succeeded", "succeeded")[2].hex().startswith("ba7816bf8f01cfea"), f"{name} SHA256")
    check(json.loads(ended("qsort", "succeeded", "succeeded")[2])["out"] == [[1, 2, 3]], f"{name} qsort: a callback")
    check(json.loads(ended("garbage", "succeeded", "succeeded")[2])["result"] == {"base64": "Y2Fm6Q=="}, f"{name} garbage")
    check(
        json.loads(ended("list", "succeeded", "succeeded")[2])["calls"][1]["collected"] == [[[2, ["1", "two"], ["one", "two"]]]],
        f"{name} sqlite3",
    )
    ended("artefact", "succeeded", "succeeded")
    file = level.spindle("executions", "output", "--artefact", "output", started["artefact"]).stdout
    check(file == bytes(i * 7 % 256 for i in range(3000000)), f"{name}: the artefact has {len(file)} bytes")
    for job, code, text in [
        ("errno", "native.errno.enoent", "No such file or directory (ENOENT)"),
        ("denied", "native.denied", 'not in "libraries"'),
        ("symbol", "native.symbol", "which an operator would have to allow"),
        ("large", "native.limit", "maxBytes"),
        ("overrun", "native.overrun", "past the end"),
    ]:
        error = ended(job, "failed", "failed")[0]["error"]
        check(error["code"] == code and text in error["message"], f"{name} {job}: {error}")
    error = ended("quit", "failed", "crashed")[0]["error"]
    check(error["code"] == "spindle.worker.crashed" and "exited with status 3" in error["message"], f"{name} exit: {error}")
    attempt, execution, _ = ended("crash", "failed", "crashed")
    check(
        "SIGSEGV at address 0x1" in attempt["error"]["message"]
        and "call_run" in attempt["error"]["stackTrace"]
        and "strlen" in execution["target"],
        f"{name} crash: {attempt}",
    )
    # A worker is replaced, its neighbours and the host never noticed.
    check(level.ended(level.submit("native:FIX!area(f64,f64)->f64", 2, 3))[1]["state"] == "succeeded", f"{name}: after the crash")

    # In a list the log says which of the calls it was.
    identity = level.submit(
        "",
        payload=json.dumps(
            {"calls": [{"call": "libm.so.6!fabs(f64)->f64", "args": [1]}, {"call": "libc.so.6!strlen(u64)->u64", "args": [1]}]}
        ),
    )
    check(level.ended(identity)[1]["state"] == "failed", f"{name}: a crash in a list")
    log = level.spindle("executions", "logs", identity).stdout.decode()
    check(
        [line.split("function=")[1].strip() for line in log.splitlines() if "function=" in line][-2:]
        == ["libm.so.6!fabs", "libc.so.6!strlen"],
        f"{name}: {log}",
    )

    # Cancelled in the middle: told by its callback; and by force where nothing can tell it.
    for function, state, code in [
        ("slow_work(callback progress(i64,i64)->i32 stop(0) go(1))->i32", "cancelled", "native.cancelled"),
        ("endless()->void", "cancelled", None),
    ]:
        identity = level.submit("", payload=json.dumps({"calls": [{"call": f"{fixture}!{function}"}]}))
        follower = subprocess.Popen(
            [f"{products}/spindle", "executions", "logs", "--follow", identity],
            env=level.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        check(any("calling" in line for line in follower.stdout), f"{name}: {function} was called")
        asked = level.spindle("executions", "cancel", identity)
        check(asked.returncode == 0, f"{name} cancel: {asked.stderr}")
        follower.communicate()
        attempt, execution, _ = level.ended(identity)
        check(
            execution["state"] == state and (code is None or attempt["error"]["code"] == code),
            f"{name} {function}: {execution['state']} {attempt}",
        )
    attempt, execution, _ = ended("endless", "failed", "timedOut")
    check(attempt["error"]["code"] == "spindle.timeout", f"{name} endless: {attempt}")


def refused_here(home):
    """Whether this machine cannot give the level; then that has to be what the host says."""
    said = subprocess.run([f"{products}/spindle", "plugins", "list"], env=environment(home), capture_output=True, text=True).stdout
    if "see spindle doctor" not in said:
        return False
    doctor = subprocess.run(
        [f"{products}/spindle", "doctor", "--json"], env=environment(home), capture_output=True, text=True
    ).stdout
    check('"available" : false' in doctor, f"the plugin is refused for what the doctor does not miss: {said}")
    print(f"refused here: {said}")
    return True


def try_level(name):
    level = Level(name)
    try:
        if not refused_here(level.home):
            everything(level)
    finally:
        level.close()


with ThreadPoolExecutor() as pool:  # they mostly wait for what ends by force
    for done in [pool.submit(try_level, name) for name in ("worker", "sandbox")]:
        done.result()

# Nothing is allowed without a sidecar; in the host's own process it is refused.
home = home_with("plain", "isolation: worker\n")
said = subprocess.run(
    [f"{products}/spindle", "run", "native:libm.so.6!pow(f64,f64)->f64", "-p", "args=[2,3]"],
    env=environment(home),
    capture_output=True,
    text=True,
)
check(said.returncode == 1 and "none is, until an operator puts it into" in said.stderr, f"nothing is allowed: {said.stderr}")
with open(f"{home}/.local/state/spindle/plugins/native.yaml", "w") as file:
    file.write("isolation: in-process\nallowInProcess: true\n")
said = subprocess.run([f"{products}/spindle", "plugins", "list"], env=environment(home), capture_output=True, text=True)
check("must not run in the host" in said.stdout, f"in-process: {said.stdout}")

# An instance of an operator's own: what its functions take, the host knows before it accepts a job.
with open(f"{home}/.local/state/spindle/plugins/native.yaml", "w") as file:
    file.write(re.search(r"<!-- example: instance -->\n```yaml\n(.*?)```", page, re.S).group(1))
for given, status, text in [
    (["-p", "base=3"], 0, '"result":9.0'),
    (["-p", "base=-1"], 2, "must be at least 0"),
    (["-p", "bse=3"], 2, 'did you mean "base"'),
    (["-p", "base=x"], 2, "must be a number"),
]:
    said = subprocess.run(
        [f"{products}/spindle", "run", "--type", "power", *given], env=environment(home), capture_output=True, text=True
    )
    check(
        said.returncode == status and text in said.stdout + said.stderr,
        f"power {given}: {said.returncode} {said.stdout} {said.stderr}",
    )

# A secret: the job has the reference, the function the value.
os.mkdir(f"{home}/secrets", mode=0o700)
with open(f"{home}/secrets/word", "w") as file:
    file.write("open sesame\n")
os.chmod(f"{home}/secrets/word", 0o600)
with open(f"{home}/.local/state/spindle/plugins/native.yaml", "w") as file:
    file.write("secrets: [word]\nconfig: {libraries: [libc.so.6]}\n")
for given, text in [
    ("arg0=secret://word", '"result":11'),
    ('args=["secret://word"]', "is not granted, or not given by a parameter"),
]:
    said = subprocess.run(
        [
            f"{products}/spindle",
            "run",
            "native:libc.so.6!strlen(cstr)->size",
            "-p",
            given,
            "--set",
            f"secrets.directory={home}/secrets",
        ],
        env=environment(home),
        capture_output=True,
        text=True,
    )
    check(text in said.stdout + said.stderr, f"{given}: {said.stdout} {said.stderr}")
inspected = subprocess.run(
    [f"{products}/spindle", "plugins", "inspect", plugin, "--json"], env=environment(home), capture_output=True, text=True
)
check(
    inspected.returncode == 0 and '"changes"' not in inspected.stdout.replace('"changes" : [\n\n', ""),
    f"inspect: {inspected.stdout} {inspected.stderr}",
)


def marked(kind, language):
    return dict(re.findall(rf"<!-- {kind}: ([a-z-]+) -->\n```{language}\n(.*?)```", page, re.S))


# The page's recipes, with the page's sidecar: what they print is what it says, but for the names of executions.
sidecars, recipes, outputs = marked("example", "yaml"), marked("example", "sh"), marked("output", "text")
check(recipes and set(outputs) == set(recipes), f"each recipe has its output: {set(recipes) ^ set(outputs)}")
home = home_with("recipes", sidecars["sidecar"])
if refused_here(home):
    with open(f"{home}/.local/state/spindle/plugins/native.yaml", "w") as file:
        file.write(sidecars["sidecar"].replace("isolation: sandbox", "isolation: worker"))
for name, text in recipes.items():
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "exec 2>&1\n" + text], env=environment(home), cwd=home, capture_output=True, text=True
    )
    plain = lambda output: re.sub(r"execution [0-9a-f]{8}", "execution ID", re.sub(r"worker [0-9]+", "worker N", output))
    check(ran.returncode == 0 and plain(ran.stdout) == plain(outputs[name]), f"recipe {name}: {ran.returncode}\n{ran.stdout}")
shutil.rmtree(home)
finish()
