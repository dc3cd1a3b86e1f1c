"""What goes wrong, and what becomes of the job then."""
import json
import os
import random
import signal
import subprocess
import threading

import fakes
from harness import CANCELLED, PERMANENT, RETRYABLE, SHUTDOWN, SUCCESS, TIMEOUT, check, ended, equal
from servers import PASSWORDS, until


def refused(host):
    for connection in ("pg", "my", "lite"):
        host.fails(PERMANENT, "sql.statement", f"{connection}/wrong", "syntax")
        host.fails(PERMANENT, "sql.statement", f"{connection}/missing", "nowhere")
    host.fails(PERMANENT, "sql.data", "pg/put", "numeric field overflow", Params={"d": "9" * 31})
    host.fails(PERMANENT, "sql.data", "my/put", "Out of range", Params={"d": "9" * 31})


def deadlock(world, host):
    gate = subprocess.Popen(world.postgres.client("BEGIN; SELECT pg_advisory_xact_lock(1); SELECT pg_sleep(60)", "work"), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    until(lambda: world.postgres.running("pg_sleep(60)"), "the gate is closed")
    jobs = [host.start("pg/deadlock", Params=pair) for pair in (["ada", "bob"], ["bob", "ada"])]
    until(lambda: world.postgres.running("CALL") == 2, "both have their first row")
    world.postgres.kill("pg_sleep(60)")
    gate.wait()
    judge_deadlock(jobs, "PostgreSQL")
    judge_deadlock([host.start("my/deadlock", Params=pair) for pair in (["ada", "bob"], ["bob", "ada"])], "MariaDB")


def serialization(world, host):
    """Another transaction changes the row while this one waits for it."""
    gate = subprocess.Popen(world.postgres.client("BEGIN; SELECT pg_advisory_xact_lock(2); SELECT pg_sleep(62)", "work"), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    until(lambda: world.postgres.running("pg_sleep(62)"), "the gate is closed")
    other = subprocess.Popen(world.postgres.client("BEGIN; UPDATE customer SET balance = balance WHERE name = 'ada'; SELECT pg_advisory_xact_lock(2); COMMIT",
                                                   "work"), stdout=subprocess.DEVNULL)
    until(lambda: world.postgres.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == "1", "the row is changed")
    job = host.start("pg/lock_repeatable")
    until(lambda: world.postgres.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted") == "1", "the job waits for it")
    world.postgres.kill("pg_sleep(62)")
    result = ended(job, RETRYABLE, "sql.serialization", "could not serialize access", "pg/lock_repeatable")
    equal(result["details"]["sqlstate"], "40001", "SQLSTATE of a serialization failure")
    equal((gate.wait() != 0, other.wait()), (True, 0), "the other one has committed")


def judge_deadlock(jobs, what):
    results = sorted((job.wait() for job in jobs), key=lambda r: r["outcome"])
    equal([r["outcome"] for r in results], [SUCCESS, RETRYABLE], f"{what}: one of two in a deadlock goes on, the other one is retried")
    equal(results[1].get("code"), "sql.serialization", f"{what}: code")
    check(results[1]["details"]["sqlstate"] in ("40P01", "40001"), f"{what}: SQLSTATE", results[1])


def locked(world, host):
    """MariaDB's lock wait timeout has no SQLSTATE of its own, SQLite's lock none at all."""
    holder = subprocess.Popen(world.mariadb.client("BEGIN; UPDATE customer SET balance = balance; DO SLEEP(61)", "work"), stderr=subprocess.DEVNULL)
    until(lambda: world.mariadb.running("SLEEP(61)"), "the rows are locked")
    impatient = world.host(connections={"pg": world.postgres.settings(), "my": world.mariadb.settings(
        options={"INITSTMT": "SET innodb_lock_wait_timeout = 1"})})
    impatient.fails(RETRYABLE, "sql.busy", "my/lock_wait", "Lock wait timeout")
    impatient.close()
    world.mariadb.kill("SLEEP(61)")
    holder.wait()
    import sqlite3
    other = sqlite3.connect(world.lite, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    host.fails(RETRYABLE, "sql.busy", "lite/add", "locked", Param_name="waits")
    other.execute("ROLLBACK")
    other.close()
    equal(host.output("lite/add", Param_name="waits")["rowCount"], 1, "SQLite afterwards")


def stopped(world, host, server, target, part, **parameters):
    """A cancel ends the statement on the server, and the connection is not used again."""
    job = host.start(target, **parameters)
    until(lambda: server.running(part), f"{target} runs")
    ended(job.cancel(), CANCELLED, "sql.cancelled", "was cancelled; the transaction was rolled back", target)
    until(lambda: server.running(part) == 0, f"{target} has ended on the server")
    until(lambda: server.idle_transactions() == 0, f"{target} leaves no transaction open")


def cancel(world, host):
    stopped(world, host, world.postgres, "pg/sleep", "pg_sleep", Param_n="60")
    stopped(world, host, world.mariadb, "my/sleep_my", "sleep(", Param_n="60")
    stopped(world, host, world.mariadb, "my/sleeping", "SLEEP(", Param_n="60")
    check("slept" not in host.run("my/customers")["output"], "what a cancelled procedure would have done is not done")
    # What runs as another user cannot be stopped by this one; the log says what to do.
    job = host.start("my/as_definer", Param_n="63")
    until(lambda: world.mariadb.running("NAME_CONST"), "it runs as its definer")
    job.cancel()
    warning = host.events.get(timeout=60)["text"]
    check("grant CONNECTION ADMIN" in warning, "the log says why it was not stopped", warning)
    world.mariadb.kill("NAME_CONST")
    ended(job, CANCELLED, "sql.cancelled", "", "my/as_definer")
    # While rows are fetched, SQLCancel of psqlodbc does nothing: the second way is used.
    job = host.start("pg/slow_fetch")
    until(lambda: world.postgres.running("fetch 1000") or world.postgres.running("FETCH 1000"), "rows are fetched slowly")
    ended(job.cancel(), CANCELLED, "sql.cancelled", "", "pg/slow_fetch")
    until(lambda: world.postgres.running("etch 1000") == 0, "the fetch has ended on the server")
    job = host.start("lite/endless_lite")
    threading.Event().wait(0.2)
    ended(job.cancel(SHUTDOWN), CANCELLED, "sql.cancelled", "because the host stops", "lite/endless_lite")
    equal(host.rows("lite/one")[0]["one"], 1, "SQLite afterwards")
    # In autocommit what was done stays, and the message says so.
    job = host.start("pg/sleep_at_once")
    until(lambda: world.postgres.running("pg_sleep(60)"), "it runs")
    result = ended(job.cancel(), CANCELLED, "sql.cancelled", "what it had done by then stays", "pg/sleep_at_once")
    equal(result["metadata"].get("mayHaveCommitted"), "true", "metadata of what was stopped without a transaction")


def done_all_the_same(world, host):
    """Without a transaction, what could not be stopped is done, and a retry would do it twice."""
    gate = subprocess.Popen(world.mariadb.client("DO GET_LOCK('gate', 100), SLEEP(64)", "work"), stderr=subprocess.DEVNULL)
    until(lambda: world.mariadb.running("SLEEP(64)"), "the gate is closed")
    job = host.start("my/through_gate")
    until(lambda: world.mariadb.running("GET_LOCK(\\'gate\\', 100)") == 2, "it waits at the gate")
    job.cancel()
    check("grant CONNECTION ADMIN" in host.events.get(timeout=60)["text"], "it cannot be stopped")
    world.mariadb.kill("SLEEP(64)")
    gate.wait()
    ended(job, SUCCESS, "", "", "my/through_gate")
    equal(world.mariadb.sql("SELECT count(*) FROM customer WHERE name = 'through'"), "1", "it was done once")


def cancel_elsewhere(world):
    """While it waits for a connection, and while the host takes no more of an artefact."""
    host = world.host(connections={c: {**s, "pool": 1} for c, s in world.connections().items()})
    used = host.rows("pg/pid")[0]["pid"]
    equal(host.rows("pg/pid")[0]["pid"], used, "there is one connection")
    first = host.start("pg/sleep", Param_n="60")
    until(lambda: world.postgres.running("pg_sleep"), "the one connection is in use")
    second = host.start("pg/one")
    third = host.start("pg/one")
    ended(second.cancel(), CANCELLED, "sql.cancelled", "nothing was changed", "waits for a connection")
    first.cancel()
    ended(first, CANCELLED, "sql.cancelled", "", "has the connection")
    equal(third.wait()["outcome"], SUCCESS, "the next one in line gets a connection")
    check(host.rows("pg/pid")[0].get("pid") != used, "a connection on which something was stopped is not used again")
    stuck = host.start("pg/series", again=-1, Param_n="50000")
    equal(host.events.get(timeout=60)["event"], "stalled", "it waits for the host")
    ended(stuck.cancel(), CANCELLED, "sql.cancelled", "the transaction was rolled back", "waits for room for an artefact")
    host.close()


def storm(world):
    """Cancels at any moment: each ends its own job, and never what runs next on the connection."""
    host = world.host(connections={c: {**s, "pool": 3} for c, s in world.connections().items()})
    chance = random.Random(1)
    jobs = []
    for _ in range(120):
        for target, parameters in (("pg/nap", {}), ("my/nap_my", {}), ("lite/series_lite", {"Param_n": "900"})):
            job = host.start(target, **parameters)
            jobs.append((target, job, chance.random() < 0.4))
    for _, job, is_cancelled in jobs:
        if is_cancelled:
            threading.Event().wait(chance.random() * 0.005)
            job.cancel()
    for target, job, is_cancelled in jobs:
        result = job.wait()
        check(result["outcome"] == SUCCESS or (is_cancelled and result.get("code") == "sql.cancelled"), f"{target} in a storm of cancels", result)
    check(sum(job.result["outcome"] == CANCELLED for _, job, _ in jobs) > 10, "some were cancelled in time")
    host.close()


def timeouts(world, host):
    for target, server, part, parameters in (("pg/sleep_1s", world.postgres, "pg_sleep", {}), ("my/sleep_my_1s", world.mariadb, "sleep(60", {}),
                                             ("pg/sleep", world.postgres, "pg_sleep", {"Param_n": "60", "TimeoutMs": "300"}),
                                             ("lite/endless_lite", None, "", {"TimeoutMs": "300"})):
        host.fails(RETRYABLE, "sql.timeout", target, "after its time limit of 300 ms; the transaction was rolled back", **parameters)
        if server is not None:
            until(lambda: server.running(part) == 0, f"{target} has ended on the server")
    # The attempt's own time: the host asks, and the server has a limit in case that nobody does.
    job = host.start("pg/sleep", deadline=60000, Param_n="60")
    until(lambda: world.postgres.running("pg_sleep"), "it runs")
    ended(job.cancel(TIMEOUT), CANCELLED, "sql.cancelled", "the attempt's time was up", "timeout of the attempt")
    for target, name, wanted in (("pg/server_limit", "pg", ("20s", "21s")), ("my/server_limit_my", "seconds", (20, 21))):
        result = host.start(target, deadline=20000).wait()
        check(json.loads(result["output"])["results"][0][0][name] in wanted, f"{target}: the server has a limit as well", result)


def killed(world, host):
    for server, target, part in ((world.postgres, "pg/sleep", "pg_sleep"), (world.mariadb, "my/sleep_my", "sleep(")):
        job = host.start(target, Param_n="60")
        until(lambda: server.running(part), f"{target} runs")
        server.kill(part)
        ended(job, RETRYABLE, "sql.connection", "", f"{target}: connection killed")
        equal(host.rows(target.split("/")[0] + "/one")[0]["one"], 1, f"{target}: the next job has a connection that works")
    # Somebody else stops only the statement.
    job = host.start("pg/sleep", Param_n="60")
    until(lambda: world.postgres.running("pg_sleep"), "it runs")
    world.postgres.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()")
    ended(job, RETRYABLE, "sql.interrupted", "user request", "pg/sleep")
    job = host.start("my/sleep_my", Param_n="60")
    until(lambda: world.mariadb.running("sleep("), "it runs")
    world.mariadb.sql("KILL QUERY " + world.mariadb.sql("SELECT id FROM information_schema.processlist WHERE info LIKE '%sleep(%' AND id <> CONNECTION_ID()"))
    ended(job, RETRYABLE, "sql.interrupted", "interrupted", "my/sleep_my")
    job = host.start("pg/sleep_at_once")
    until(lambda: world.postgres.running("pg_sleep(60)"), "it runs")
    world.postgres.kill("pg_sleep(60)")
    result = ended(job, RETRYABLE, "sql.uncertain", "it may have been carried out", "killed without a transaction")
    equal(result["metadata"].get("mayHaveCommitted"), "true", "metadata of an uncertain end")


def pools(world):
    host = world.host(connections={c: {**s, "pool": 2, "idleCheckMs": 0} for c, s in world.connections().items()})
    for server, target in ((world.postgres, "pg/echo"), (world.mariadb, "my/echo")):
        until(lambda: server.connections() == 0, "what other tests had open is gone")
        jobs = [host.start(target, Param_a=str(i)) for i in range(40)]
        for job in jobs:
            equal(job.wait()["outcome"], SUCCESS, f"{target}: many at once")
        check(1 <= server.connections() <= 2, f"{target}: two connections carry them", server.connections())
    first = host.rows("pg/pid")[0]["pid"]
    equal(host.rows("pg/pid")[0]["pid"], first, "a connection is used again")
    world.postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'work'")
    check(host.rows("pg/pid")[0].get("pid") != first, "a connection that was cut while idle is replaced before it is used")
    host.close()


def down(world):
    host = world.host()
    for server, connection, target, part in ((world.postgres, "pg", "pg/sleep", "pg_sleep"), (world.mariadb, "my", "my/sleep_my", "sleep(")):
        job = host.start(target, Param_n="60")
        until(lambda: server.running(part), f"{target} runs")
        if connection == "pg":
            server.stop(signal.SIGQUIT)  # its processes end at once, as in a crash
        else:
            server.stop(signal.SIGKILL)
        ended(job, RETRYABLE, "sql.connection", "", f"{connection}: server killed in the middle")
        host.fails(RETRYABLE, "sql.connection", f"{connection}/one", f'cannot open connection "{connection}"')
        checked = host.check()
        check(checked["status"] < 0 and f'"{connection}"' in checked["error"]["message"], "check names the connection that is down", checked)
        server.start()
        equal(host.rows(f"{connection}/one")[0]["one"], 1, f"{connection}: after its restart")
    equal(host.check()["status"], 0, "check: all are there")
    host.close()


def credentials(world):
    wrong = {name: {**settings, "password": "secret://wrong"} for name, settings in world.connections().items() if name != "lite"}
    wrong["pg_db"] = world.postgres.settings(database="nowhere")
    wrong["my_db"] = world.mariadb.settings(database="nowhere")
    wrong["lite_db"] = {**world.connections()["lite"], "database": "/nowhere/x.db"}
    wrong["no_driver"] = {"driver": "/nowhere/driver.so", "system": "other"}
    wrong["no_secret"] = world.postgres.settings(password="secret://absent")
    wrong["guest"] = world.postgres.settings(user="guest", password="secret://guest")
    wrong["guest_my"] = world.mariadb.settings(user="guest", password="secret://guest")
    host = world.host(connections=wrong, statements={k: v for k, v in world.config()["statements"].items() if "connections" not in v})
    host.fails(PERMANENT, "sql.credentials", "pg/one", "password authentication failed")
    host.fails(PERMANENT, "sql.credentials", "my/one", "Access denied")
    host.fails(PERMANENT, "sql.database", "pg_db/one", 'database "nowhere" does not exist')
    check(host.run("my_db/one")["code"] in ("sql.database", "sql.credentials"), "MariaDB: no such database")
    host.fails(PERMANENT, "sql.database", "lite_db/one", "connect failed")
    host.fails(PERMANENT, "sql.driver", "no_driver/one", "Can't open lib")
    host.fails(PERMANENT, "sql.secret", "no_secret/one", 'password of connection "no_secret"')
    host.fails(PERMANENT, "sql.denied", "guest/guarded", "permission denied")
    host.fails(PERMANENT, "sql.denied", "guest_my/add", "denied", Param_name="x")
    host.close()


def tls(world):
    named = {}
    for name, server in (("pg", world.postgres), ("my", world.mariadb)):
        trusted = {"tls": {"caFile": str(world.folder / f"{server.name}.pem")}}
        named[name] = server.settings(**trusted) | {"server": "localhost"}
        named[f"{name}_wrong"] = server.settings(**trusted) | {"server": "127.0.0.1"}
        named[f"{name}_unknown"] = server.settings(tls={"caFile": str(world.folder / "other.pem")}) | {"server": "localhost"}
    host = world.host(connections=named, procedures={}, statements={
        "one": {"sql": "SELECT 1 AS one"}, "sleep_pg": {"sql": "SELECT pg_sleep(65)"}, "sleep_my": {"sql": "SELECT sleep(65)"}})
    for name, server in (("pg", world.postgres), ("my", world.mariadb)):
        equal(host.rows(f"{name}/one"), [{"one": 1}], f"{name}: TLS with the right name")
        job = host.start(f"{name}/sleep_{name}")
        until(lambda: server.running("sleep(65)"), "it runs")
        ended(job.cancel(), CANCELLED, "sql.cancelled", "the transaction was rolled back", f"{name}: cancelled with TLS")
        host.fails(PERMANENT, "sql.tls", f"{name}_wrong/one", "")
        host.fails(PERMANENT, "sql.tls", f"{name}_unknown/one", "")
    host.close()


def strange(world):
    mute, garbage = fakes.Mute(), fakes.Garbage()
    odd = {}
    for name, server in (("pg", world.postgres), ("my", world.mariadb)):
        for kind, fake in (("mute", mute), ("garbage", garbage)):
            odd[f"{name}_{kind}"] = server.settings(connectTimeoutMs=1000) | {"port": fake.port, "server": "127.0.0.1"}
    host = world.host(connections=odd, statements={"one": {"sql": "SELECT 1"}}, procedures={})
    cancelled = host.start("pg_mute/one").cancel()
    for job, name in [(host.start(f"{name}/one"), name) for name in odd]:
        ended(job, RETRYABLE, "sql.connection", f'cannot open connection "{name}"', name)
    ended(cancelled, CANCELLED, "sql.cancelled", "nothing was changed", "cancelled while it connects")
    host.close()


def lost_commit(world):
    for name, server in (("pg", world.postgres), ("my", world.mariadb)):
        proxy = fakes.CommitCutter(server.port)
        host = world.host(connections={name: server.settings() | {"port": proxy.port, "server": "127.0.0.1"}},
                          statements={"add": world.config()["statements"]["add"]}, procedures={})
        result = ended(host.start(f"{name}/add", Param_name="in doubt"), RETRYABLE, "sql.uncertain", "it may have been committed", name)
        equal(result["metadata"].get("mayHaveCommitted"), "true", f"{name}: metadata")
        equal(proxy.seen, 1, f"{name}: one COMMIT went through")
        equal(server.sql("SELECT count(*) FROM customer WHERE name = 'in doubt'"), "1", f"{name}: and it was done")
        host.close()
        proxy.close()


def configurations(world):
    good = world.config()

    def no(part, pointer, **changes):
        host = world.host(**changes)
        check(host.created["status"] == -4 and host.created["error"]["code"] == "sql.config" and part in host.created["error"]["message"]
              and host.created["error"]["pointer"] == pointer, f"must be refused: {part} at {pointer}", host.created)
        host.close()

    def statement(part, **s):
        no(part, "/statements/s", statements={"s": s}, procedures={})
    no('must be an object with 1 to 256', "/connections", connections={})
    for part, c in (("must be a reference: secret://NAME", {"driver": "/x.so", "password": "plain"}), ('either "driver" or "dsn"', {}),
                    ('"system" must be said', {"dsn": "x"}), ("has a character that cannot be given", {"driver": "/psqlodbcw.so", "database": "a;b"}),
                    ("has a character that cannot be given", {"driver": "/psqlodbcw.so", "user": "a\nb"}),
                    ("has a character that cannot be given", {"driver": "/libsqlite3odbc.so", "database": "/a b"}),
                    ('"pool" must be a whole number', {"driver": "/x.so", "pool": 0}), ('"isolation" must be one of', {"driver": "/x.so", "isolation": "x"})):
        host = world.host(connections={"c": c}, statements={}, procedures={})
        check(host.created["status"] == -4 and part in host.created["error"]["message"], f"must be refused: {part}", host.created)
        host.close()
    no('"DRIVER" is no option', "/connections/c/options", connections={"c": {"driver": "/x.so", "options": {"DRIVER": "/y.so"}}}, statements={}, procedures={})
    for driver, option in (("/psqlodbcw.so", "sslmode"), ("/libmaodbc.so", "SSLVERIFY")):
        no("say the same thing", "/connections/c/tls", connections={"c": {"driver": driver, "tls": {"caFile": "/ca.pem"}, "options": {option: "0"}}},
           statements={}, procedures={})
    no('must have "caFile"', "/connections/c/tls", connections={"c": {"driver": "/psqlodbcw.so", "tls": {"caFile": "x"}}}, statements={}, procedures={})
    statement('must have "sql"')
    statement("uses :b, which is not among", sql="SELECT :b")
    statement('does not use its parameter "a"', sql="SELECT 1", parameters=[{"name": "a"}])
    statement("mixes :name and ?", sql="SELECT :a, ?", parameters=[{"name": "a"}])
    statement("backslash", sql="SELECT 'a\\'")
    statement("quote that does not end", sql="SELECT 'a")
    statement("has 2 places", sql="SELECT ?, ?", parameters=[{"name": "a"}])
    statement("only go in", sql="SELECT :a", parameters=[{"name": "a", "direction": "out"}])
    statement("twice", sql="SELECT :a", parameters=[{"name": "a"}, {"name": "A"}])
    statement("needs a transaction", sql="SELECT 1", isolation="serializable", transaction=False)
    no("names a connection that is not there", "/connections", statements={"s": {"sql": "SELECT 1", "connections": ["nowhere"]}}, procedures={})
    no("could mean either", "/procedures", statements={"s": {"sql": "SELECT 1"}}, procedures={"s": {}})
    no("must be a name of letters", "/procedures/p", statements={}, procedures={"p": {"routine": "a; DROP TABLE x"}})
    no("must be one of text", "/procedures/p", statements={}, procedures={"p": {"parameters": [{"name": "a", "type": "varchar"}]}})
    check(good["statements"]["one"], "the configuration that the others differ from is a good one")


def run(world):
    host = world.host()
    refused(host)
    cancel(world, host)
    done_all_the_same(world, host)
    timeouts(world, host)
    killed(world, host)
    deadlock(world, host)
    serialization(world, host)
    locked(world, host)
    host.close()
    cancel_elsewhere(world)
    storm(world)
    credentials(world)
    tls(world)
    strange(world)
    lost_commit(world)
    configurations(world)
    pools(world)
    down(world)
