"""The real host: the recipes of the page and the grants that it states, at worker and at sandbox."""
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess

from harness import check, equal
from servers import PASSWORDS, until

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "Docs/executors/sql.md").read_text()


def block(kind, name):
    """The fence behind a mark of the page."""
    return re.search(rf"<!-- {kind}: {name} -->\n```\w+\n(.*?)```\n", PAGE, re.S).group(1)


class Room:
    """A plugin directory, secrets and a state of their own."""

    def __init__(self, world, level, sidecar):
        self.folder = world.folder / f"room-{level}"
        self.plugins = self.folder / "plugins"
        for path in (self.folder, self.plugins, self.folder / "secrets"):
            path.mkdir(mode=0o755)
        (self.folder / "secrets").chmod(0o700)
        for name, value in {"shop-db": PASSWORDS["postgresql"], "billing-db": PASSWORDS["mariadb"], "absent-db": "wrong wrong"}.items():
            path = self.folder / "secrets" / name
            path.write_text(value)
            path.chmod(0o600)
        self.bin = world.folder / "bin"
        self.environment = {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", "SPINDLE_SECRETS_DIRECTORY": str(self.folder / "secrets"),
                            "SPINDLE_STATE": str(self.folder / "state"), "SPINDLE_PLUGINS": str(self.plugins)}
        built = self.bin / "libspindle-plugin-sql.so"
        plugin = built if built.exists() else world.folder / "plain/sql.so"
        (self.plugins / "sql.yaml").write_text(sidecar)
        (self.plugins / "sql.yaml").chmod(0o644)
        done = self.run(f"spindle plugins add {plugin} --as sql --plugins {self.plugins}")
        check(done.returncode == 0, "spindle plugins add", done.stderr)

    def run(self, command):
        return subprocess.run(["bash", "-c", command], env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=120)

    def sql(self, target, *options):
        return subprocess.run([self.bin / "spindle", "run", "--plugins", self.plugins, "sql:" + target, *options], env=self.environment,
                              cwd=self.folder, capture_output=True, text=True, timeout=120)


def sidecar(world, level, notes):
    """The page's, with these servers in place of its own, and with what the page says that SQLite needs."""
    text = PAGE[PAGE.index("<!-- example: sidecar -->"):].split("```")[1].removeprefix("yaml\n")
    for name, port, server in (("db", 5432, world.postgres), ("billing", 3306, world.mariadb)):
        check(text.count(f"{name}.example.com:{port}") == 1, "the grant is on the page")
        text = text.replace(f"{name}.example.com:{port}", f"127.0.0.1:{server.port}")
        text = text.replace(f"server: {name}.example.com, port: {port}", f"server: 127.0.0.1, port: {server.port}")
    text = text.replace("database: shop", "database: work").replace("database: billing", "database: work").replace("/srv/notes", str(notes))
    if level == "sandbox":
        return text.replace("  read: [/etc/odbcinst.ini]\n", f"  read: [/etc/odbcinst.ini]\n  write: [{notes}]\n")
    begin, end = text.index("needs:"), text.index("config:")
    return (text[:begin] + text[end:]).replace("isolation: sandbox", f"isolation: {level}")


def databases(world, level):
    if level != "worker":  # the second time only what the first one left has to go
        world.postgres.sql("TRUNCATE orders RESTART IDENTITY")
        return
    here = pathlib.Path(__file__).parent
    world.postgres.sql((here / "recipes.sql").read_text())
    world.mariadb.sql((here / "recipes_mariadb.sql").read_text())


def recipes(world, level):
    databases(world, level)
    notes = world.folder / f"notes-{level}"
    notes.mkdir()
    notes.chmod(0o777)
    with sqlite3.connect(notes / "notes.db") as db:
        db.execute("CREATE TABLE note (text text)")
    db.close()
    (notes / "notes.db").chmod(0o666)
    room = Room(world, level, sidecar(world, level, notes))
    names = re.findall(r"<!-- example: (sql-[a-z]+) -->", PAGE)
    check(len(names) >= 6, "recipes are found", names)
    for name in names:
        commands = block("example", name).replace("spindle run ", f"spindle run --plugins {room.plugins} ")
        done = room.run("exec 2>&1\n" + commands)
        got = re.sub(r"execution [0-9a-f]+ ", "execution … ", done.stdout)
        # The output of a job has no line end of its own.
        squeeze = lambda text: re.sub(r"\r?\n", "", text)
        equal(squeeze(got), squeeze(block("output", name)), f"{level}: recipe {name}")
    equal(sqlite3.connect(notes / "notes.db").execute("SELECT text FROM note").fetchall(), [("remember the milk",)], f"{level}: the note is there")
    return room


def refusals(room):
    done = room.sql("shop/every-minute")
    check(done.returncode == 1 and "[sql.target]" in done.stderr, "no such statement", done)
    done = room.sql("shop/orders", "-p", "Param_least=many")
    check(done.returncode != 0 and "must be a decimal number" in done.stderr, "a wrong value", done)
    done = room.sql("shop/orders", "-p", "RowLimit=many")
    check(done.returncode == 2, "what the schema does not allow is refused before it runs", done)
    done = room.sql("notes/ship", "-p", "Param_number=x")
    check(done.returncode == 1 and "may not be run on" in done.stderr, "not on that connection", done)
    done = room.sql("notes/add-note", "-p", "Param_text=secret://shop-db")
    check(done.returncode == 1 and "[sql.secret]" in done.stderr, "the password of another connection", done)
    path = room.plugins / "sql.yaml"
    text = path.read_text()
    path.write_text(text.replace("isolation: worker", "isolation: in-process"))
    done = room.sql("shop/orders")
    check(done.returncode == 2 and "Types served here: none" in done.stderr, "drivers change what their process shares", done)
    path.write_text(text)


def ends(world, room, level):
    """How failures look from outside, and that a timeout reaches the server."""
    if level == "worker":
        refusals(room)
    lock = subprocess.Popen(world.postgres.client("BEGIN; LOCK TABLE orders; SELECT pg_sleep(600)", "work"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: world.postgres.running("pg_sleep(600)"), "the table is locked")
    done = room.sql("shop/orders", "--timeout", "1s", "--retries", "0")
    check(done.returncode == 124, f"{level}: timeout of the attempt", done)
    until(lambda: world.postgres.running("FROM orders") == 0, "the statement has ended on the server")
    check(world.postgres.running("pg_sleep(600)") == 1, f"{level}: and not because the lock went away")
    world.postgres.kill("pg_sleep(600)")
    lock.wait()
    done = room.run(f"spindle run --plugins {room.plugins} sql:shop/orders")
    check(done.returncode == 0, f"{level}: and the next one works", done)


def not_granted(world, room):
    """At sandbox what the page lists is needed: without it the job fails, and says why."""
    path = room.plugins / "sql.yaml"
    text = path.read_text()
    path.write_text(text.replace("  read: [/etc/odbcinst.ini]\n", ""))
    done = room.sql("shop/orders", "--retries", "0")
    check(done.returncode == 1 and "[sql.driver]" in done.stderr, "without odbcinst.ini the driver is not found", done)
    path.write_text(re.sub(r"  net: .*\n", "", text))
    done = room.sql("shop/orders", "--retries", "0")
    check(done.returncode == 1 and "[sql.connection]" in done.stderr, "without net there is no connection", done)
    path.write_text(re.sub(r"  write: .*\n", "", text))
    done = room.sql("notes/add-note", "-p", "Param_text=x", "--retries", "0")
    check(done.returncode == 1 and "[sql.database]" in done.stderr, "without write there is no file", done)
    authority = world.folder / "ca"
    authority.mkdir(mode=0o755)
    shutil.copy(world.folder / "postgresql.pem", authority / "ca.pem")
    for server, code in (("localhost", None), ("127.0.0.1", "[sql.tls]")):
        path.write_text(text.replace("read: [/etc/odbcinst.ini]", f"read: [/etc/odbcinst.ini, {authority}/ca.pem]").replace(
            f"server: 127.0.0.1, port: {world.postgres.port}", f"server: {server}, tls: {{caFile: {authority}/ca.pem}}, port: {world.postgres.port}"))
        done = room.sql("shop/orders", "--retries", "0")
        check(done.returncode == 0 if code is None else done.returncode == 1 and code in done.stderr, f"TLS at sandbox to {server}", done)
    path.write_text(text)


def durable(world, room):
    """A host with a store: the plugin is ready, and a big result is kept as an artefact."""
    host = subprocess.Popen([room.bin / "spindle", "serve", "--plugins", room.plugins], env=room.environment, cwd=room.folder,
                            stdout=subprocess.DEVNULL, stderr=open(room.folder / "serve.log", "w"))
    try:
        until(lambda: room.run("spindle plugins list").stdout.find("serving") >= 0, "the host serves")
        execution = room.run("spindle submit sql:shop/every-second").stdout.strip()
        until(lambda: '"succeeded"' in room.run(f"spindle executions show {execution} --json").stdout, "the execution has ended")
        text = room.run(f"spindle executions output {execution} --artefact result-1.json").stdout
        check(text.count('{"second":') == 86400 and text.endswith('{"second":86400}]'), "the artefact in the store is whole", text[:100], text[-100:], len(text))
    finally:
        host.send_signal(signal.SIGTERM)
        host.wait(timeout=60)


def frozen(world, room):
    """A server that neither answers nor ends: only the host's force ends the attempt."""
    lock = subprocess.Popen(world.postgres.client("BEGIN; LOCK TABLE orders; SELECT pg_sleep(600)", "work"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: world.postgres.running("pg_sleep(600)"), "the table is locked")
    job = subprocess.Popen([room.bin / "spindle", "run", "--plugins", room.plugins, "sql:shop/orders", "--timeout", "2s", "--retries", "0"],
                           env=room.environment, cwd=room.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: world.postgres.running("FROM orders"), "the job waits")
    pids = [int(p) for p in world.postgres.sql("SELECT pid FROM pg_stat_activity WHERE query LIKE '%FROM orders%' AND pid <> pg_backend_pid()").split()]
    for pid in [*pids, world.postgres.process.pid]:
        os.kill(pid, signal.SIGSTOP)
    equal(job.wait(timeout=120), 124, "a frozen server: the attempt has timed out")
    for pid in [*pids, world.postgres.process.pid]:
        os.kill(pid, signal.SIGCONT)
    world.postgres.kill("pg_sleep(600)")
    lock.wait()


def run(world):
    for level in ("worker", "sandbox"):
        room = recipes(world, level)
        ends(world, room, level)
        if level == "sandbox":
            not_granted(world, room)
            durable(world, room)
            if os.environ.get("SPINDLE_TEST_LONG"):
                frozen(world, room)
