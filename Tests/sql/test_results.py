"""Procedures, several sets, CSV, artefacts, limits, transactions."""
import csv
import io
import json
import os
import pathlib

from harness import PERMANENT, SUCCESS, check, equal


def routines(host):
    for connection in ("pg", "my"):
        left = host.output(f"{connection}/transfer", Params=["ada", "bob", "12.50"])
        equal(left, {"rowCount": left["rowCount"], "out": {"left_over": 87.50, "note": None}, "results": []}, f"{connection}: OUT parameters")
        equal(host.run(f"{connection}/customers")["output"], '"name","balance"\r\n"ada",87.50\r\n"bob",112.50\r\n', f"{connection}: CSV")
        equal(host.output(f"{connection}/count_up", Params={"number": 40, "by_text": "xx"})["out"], {"number": 42}, f"{connection}: INOUT")
        equal(host.output(f"{connection}/count_up", Params={"by_text": "xx"}), {"rowCount": 0, "out": {"number": None}, "results": []},
              f"{connection}: INOUT of NULL")
        # The second update fails: nothing of the first one stays.
        host.fails(PERMANENT, "sql.constraint", f"{connection}/transfer", "balance", Params=["ada", "bob", 1000])
        equal(host.run(f"{connection}/customers")["output"].split("\r\n")[2], '"bob",112.50', f"{connection}: rolled back")
        host.output(f"{connection}/transfer", Params=["bob", "ada", "12.50"])
    equal(host.output("pg/double_it", Param_n="21")["out"], {"return": 42}, "function of PostgreSQL")
    equal(host.output("my/double_my", Param_n="21")["out"], {"return": 42}, "function of MariaDB")
    equal(host.output("pg/min_max", Param_n="7")["out"], {"lowest": -7, "most": 7}, "function with OUT parameters")
    host.fails(PERMANENT, "sql.result.too_large", "pg/huge_out", "more than 262144 bytes; the transaction was rolled back")
    host.fails(PERMANENT, "sql.statement", "pg/too_few", "gives 2 values, but 1", Param_n="7")
    equal(host.rows("pg/some_rows", Param_n="2"), [{"a": 1, "b": "row 1"}, {"a": 2, "b": "row 2"}], "function that gives rows")
    equal(host.output("my/sets", Param_n="5"), {"rowCount": 0, "out": {"total": 10}, "results": [[{"a": 5}, {"a": 6}], [{"b": "zwei"}]]}, "several sets")
    host.fails(PERMANENT, "sql.raised", "my/refuse", "not today")
    host.fails(PERMANENT, "sql.raised", "pg/in_pieces", "after the piece")
    equal(host.run("pg/customers")["output"].count("piece"), 1, "transaction: false lets a procedure commit")
    host.fails(PERMANENT, "sql.failed", "pg/pieces_in_one", "invalid transaction termination")
    result = host.run("pg/count_up", Params=[1, "x"])
    check(any("counting 1" in line for line in result["logs"]), "notices are logged", result["logs"])


def cursors(host):
    """Rows of PostgreSQL come by a cursor, which not every statement can have."""
    for _ in range(2):
        equal(host.rows("pg/with_change", Param_name="ada"), [{"name": "ada"}], "a WITH that changes")
        equal(host.rows("pg/cursors"), [{"cursors": 1}], "and then one with a cursor again")
    equal(host.rows("pg/for_update", Param_name="ada"), [{"name": "ada"}], "FOR UPDATE")


def others(world):
    """By the rules of ODBC alone, which MariaDB's driver follows as far as procedures go; and by a data source of odbc.ini."""
    plain = world.mariadb.settings(system="other")
    source = {"dsn": "shop", "system": "postgresql", "user": "spindle", "password": "secret://postgresql"}
    host = world.host(connections={"other": plain, "source": source}, statements={"one": world.config()["statements"]["one"]})
    result = host.output("other/transfer", Params=["ada", "bob", "12.50"])
    equal((result["out"], len(result["results"])), ({"left_over": 87.50, "note": ""}, 1), "bound OUT parameters")
    host.output("other/transfer", Params=["bob", "ada", "12.50"])
    equal(host.output("other/count_up", Params=[40, "xx"])["out"], {"number": 42}, "bound INOUT parameters")
    host.fails(PERMANENT, "sql.result.too_large", "other/long_text", "maxBytes", Params=[70])
    equal(host.rows("source/one"), [{"one": 1, "nought": None}], "a data source by its name")
    host.close()


def csv_sets(host):
    result = host.run("my/sets_csv", Param_n="5")
    equal(json.loads(result["output"])["results"], [{"artefact": "result-1.csv", "rows": 2}, {"artefact": "result-2.csv", "rows": 1}], "CSV of two sets")
    equal(json.loads(result["output"])["out"], {"total": 10}, "OUT beside CSV")
    equal(artefact(host, result, "result-1.csv"), b'"a"\r\n5\r\n6\r\n', "first set")
    equal(artefact(host, result, "result-2.csv"), b'"b"\r\n"zwei"\r\n', "second set")
    result = host.run("pg/series_csv", Param_n="3")
    equal(result["type"], "text/csv; charset=utf-8", "type of CSV")
    equal([r["pad"] for r in csv.DictReader(io.StringIO(result["output"], newline=""))], [f'a "b", {i}' for i in (1, 2, 3)], "quotes in CSV")
    result = host.run("pg/series", Param_n="3", Result="none")
    equal(json.loads(result["output"]), {"rowCount": 0, "out": {}, "results": []}, "result none")
    equal(result["metadata"]["rows"], "3", "rows are counted")


def artefact(host, result, name):
    check(name in result["artefacts"], "the artefact was ended", result["artefacts"])
    return (pathlib.Path(host.folder) / f"{result['id']}-{name}").read_bytes()


def large(world, host):
    count = 120000
    for target, parameters in (("pg/series", {"Param_n": str(count)}), ("my/series_my", {}), ("lite/series_lite", {"Param_n": str(count)})):
        result = host.start(target, again=7, **parameters).wait()
        if not check(result["outcome"] == SUCCESS, target, result):
            continue
        equal(json.loads(result["output"])["results"], [{"artefact": "result-1.json", "rows": count}], f"{target}: in an artefact")
        rows = json.loads(artefact(host, result, "result-1.json"))
        check(len(rows) == count and rows[0]["n"] in (1, "1") and str(rows[-1]["n"]) == str(count) and len(rows[7]["pad"]) == 90, f"{target}: whole")
        if target.startswith("pg") and world.plain:
            check(host.peak_kib() < 24000, "PostgreSQL: 14 MB of rows leave memory as it was", host.peak_kib())
    result = host.start("pg/series_csv", again=2, Param_n="50000").wait()
    rows = list(csv.DictReader(io.StringIO(artefact(host, result, "result-1.csv").decode(), newline="")))
    check(len(rows) == 50000 and rows[-1] == {"n": "50000", "pad": 'a "b", 50000'}, "CSV in an artefact", rows[-1:])
    result = host.run("pg/series", Param_n="50", RowLimit="10")
    equal(len(json.loads(artefact(host, result, "result-1.json"))), 50, "RowLimit of the job")
    result = host.run("pg/big")
    row = json.loads(artefact(host, result, "result-1.json"))[0]
    check(row["t"] == 'né"' * 500000, "a long text is whole")
    check(len(row["b"]) == 2000000 and row["b"][:8] == "AP8QAP8Q", "long bytes are whole", row["b"][:20], len(row["b"]))


def limits(world, host):
    host.fails(PERMANENT, "sql.result.too_large", "pg/limited", "99 rows of maxRows")
    host.fails(PERMANENT, "sql.result.too_large", "my/series_my_limited", "1000 rows of maxRows")
    result = host.fails(PERMANENT, "sql.result.too_large", "pg/add_many", "2 rows of maxRows; what it had done by then stays")
    equal(result["metadata"].get("mayHaveCommitted"), "true", "metadata of a result that was not kept without a transaction")
    equal(world.postgres.sql("WITH gone AS (DELETE FROM customer WHERE name LIKE 'many %' RETURNING 1) SELECT count(*) FROM gone"), "3", "the rows are there")
    equal(len(host.output("my/many_sets", Param_n="1000")["results"]), 1000, "many sets")
    host.fails(PERMANENT, "sql.result.too_large", "my/many_sets", "more than 1000 result sets", Param_n="1001")
    without = world.host(artefacts=False)
    without.fails(PERMANENT, "sql.result.too_large", "pg/series", "this host keeps no artefacts", Param_n="5000")
    equal(len(without.rows("pg/series", Param_n="1000")), 1000, "as many rows as the limit says are in the output")
    without.close()
    small = world.host(maxArtefactBytes=100000)
    small.fails(PERMANENT, "sql.result.too_large", "pg/series", "maxArtefactBytes", Param_n="5000")
    small.close()


def transactions(world, host):
    equal(host.rows("pg/isolation"), [{"level": "read committed"}], "isolation of PostgreSQL by itself")
    equal(host.rows("pg/isolation_serializable"), [{"level": "serializable"}], "isolation of a statement")
    equal(host.rows("pg/isolation"), [{"level": "read committed"}], "isolation does not stay")
    equal(host.rows("my/isolation_my_committed"), [{"level": "READ-COMMITTED"}], "isolation in MariaDB")
    equal(host.rows("my/isolation_my"), [{"level": "REPEATABLE-READ"}], "isolation does not stay in MariaDB")
    equal(host.output("pg/nothing")["rowCount"], 0, "nothing changed is a success")
    equal(host.output("my/nothing")["rowCount"], 0, "nothing changed is a success in MariaDB")
    host.fails(PERMANENT, "sql.constraint", "pg/defer", "cannot commit")
    # Closing a cursor would commit as well, and nobody would hear that it failed.
    host.fails(PERMANENT, "sql.constraint", "pg/defer_at_once", "deferred")
    for connection in ("pg", "my", "lite"):
        equal(host.output(f"{connection}/add", Param_name=f"new {connection}")["rowCount"], 1, f"{connection}: insert")
        result = host.fails(PERMANENT, "sql.constraint", f"{connection}/add", "", Param_name=f"new {connection}")
        check("sqlstate" in result.get("details", {}) and result["details"]["records"], "details have SQLSTATE and records", result)
    reader = world.host(connections={c: {**s, "readOnly": True} for c, s in world.connections().items()})
    for connection in ("pg", "my", "lite"):
        reader.fails(PERMANENT, "sql.readonly", f"{connection}/add", "", Param_name="x")
        equal(reader.rows(f"{connection}/one"), [{"one": 1, "nought": None}], f"{connection}: reading is allowed")
    reader.close()


def run(world):
    host = world.host()
    large(world, host)
    routines(host)
    cursors(host)
    others(world)
    csv_sets(host)
    limits(world, host)
    transactions(world, host)
    host.close()
