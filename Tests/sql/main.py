"""main.py FOLDER BUILD [BUILD…]: all tests with each build in FOLDER/BUILD (host and sql.so), then at the real host, if FOLDER/bin is there.

One set of servers is enough for all: each build gets fresh databases. The last line is "N passed, N failed".
"""
import concurrent.futures
import os
import pathlib
import shutil
import signal
import sqlite3
import sys
import time
import traceback

import harness
import servers
import setup
import test_failures
import test_real
import test_results
import test_values


class World:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.lite = self.folder / "lite" / "work.db"
        with concurrent.futures.ThreadPoolExecutor() as pool:
            self.postgres, self.mariadb = [f.result() for f in [pool.submit(s, folder) for s in (servers.Postgres, servers.MariaDB)]]
        self.build, self.plain = None, False
        self.hosts, self.used = 0, False

    def start(self):
        for server in (self.postgres, self.mariadb):
            server.start()
            shutil.copy(server.root / "cert.pem", self.folder / f"{server.name}.pem")
        other = self.folder / "other"
        other.mkdir()
        servers.certificate(other, "localhost")
        shutil.copy(other / "cert.pem", self.folder / "other.pem")
        odbc = self.folder / "odbc"
        odbc.mkdir()
        shutil.copy("/etc/odbcinst.ini", odbc)
        (odbc / "odbc.ini").write_text(f"[shop]\nDriver={servers.DRIVERS}/psqlodbcw.so\nServername=127.0.0.1\nPort={self.postgres.port}\nDatabase=work\n")
        os.environ["ODBCSYSINI"] = str(odbc)

    def fresh(self):
        """Databases as they are at the beginning."""
        if self.used:
            self.postgres.sql("DROP DATABASE work WITH (FORCE)", "postgres")
            self.postgres.sql("DROP ROLE guest", "postgres")
            self.mariadb.sql("DROP DATABASE work; DROP USER spindle; DROP USER guest", "mysql")
        self.used = True
        self.postgres.set_up()
        self.mariadb.set_up()
        shutil.rmtree(self.lite.parent, ignore_errors=True)
        self.lite.parent.mkdir(mode=0o777)
        with sqlite3.connect(self.lite) as db:
            db.executescript("""CREATE TABLE customer (id integer PRIMARY KEY, name text NOT NULL UNIQUE);
                CREATE TABLE kinds (t text, i bigint, d decimal(40,10), f double, b boolean, da date, ti time, ts timestamp, tz timestamp,
                bin blob, u text, j text);""")
        db.close()

    def lite_sql(self, text, values):
        db = sqlite3.connect(self.lite)
        with db:
            db.execute(text, values)
        db.close()

    def connections(self):
        connections = setup.connections(self)
        # The driver waits for a lock by itself; not so long here.
        connections["lite"]["options"] = {"Timeout": "200"}
        return connections

    def config(self, **changes):
        return {**setup.config(self), "connections": self.connections(), **changes}

    def host(self, artefacts=True, **changes):
        self.hosts += 1
        scratch = self.folder / f"artefacts-{self.hosts}"
        scratch.mkdir()
        secrets = {**servers.PASSWORDS, "token": "open sesame", "wrong": "wrong wrong", "guest": "guestguest"}
        return harness.Host(self.build / "host", self.build / "sql.so", str(scratch), self.config(**changes), secrets, artefacts)


def section(name, run, *arguments):
    began = time.monotonic()
    try:
        run(*arguments)
    except Exception:
        harness.check(False, f"{name} ended early", traceback.format_exc())
    print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)


def main():
    # Servers are stopped also when the tests are.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = sys.argv[1]
    world = World(folder)
    try:
        world.start()
        for build in sys.argv[2:]:
            world.build, world.plain = pathlib.Path(folder) / build, build == "plain"
            world.fresh()
            for module in (test_values, test_results, test_failures):
                section(f"{build} {module.__name__}", module.run, world)
        if (pathlib.Path(folder) / "bin").exists():
            world.fresh()
            section("real host", test_real.run, world)
    finally:
        world.postgres.stop()
        world.mariadb.stop(15)
    print(f"{harness.passed} passed, {harness.failed} failed")
    return harness.failed > 0


sys.exit(main())
