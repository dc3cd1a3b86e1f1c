"""Values go in and come out as they are."""
import base64
import csv
import io
import json

from harness import PERMANENT, SUCCESS, check, equal

INJECTIONS = ["x'); DROP TABLE customer; --", "' OR '1'='1", '"; DELETE FROM customer; --', "\\'; SELECT 1; --", "%s %d ? :a $1 {call x}", "/* */ -- #",
              "a\nb\tc\r\n", "é ü 漢字 😀", " blanks ", "", "NULL", "\x7f\x01", "x" * 70000]

VALUES = {"t": "it's \"so\" 😀", "i": -9223372036854775808, "d": "123456789012345678901234567890.0123456789", "f": 1.5e300, "b": True, "da": "2024-02-29",
          "ti": "23:59:59", "ts": "2026-01-31T23:59:59.123456", "tz": "2026-03-01T01:30:00.5+02:00", "bin": base64.b64encode(bytes(range(256))).decode(),
          "u": "6F8B9C1E-1111-4222-8333-0123456789ab", "j": {"a": [1, None, "x"]}}
WANTED = {**VALUES, "i": "-9223372036854775808", "tz": "2026-02-28T23:30:00.5Z", "u": VALUES["u"].lower()}


def strings(host):
    for connection in ("pg", "my", "lite"):
        for text in INJECTIONS:
            equal(host.rows(f"{connection}/echo", Params={"a": text}), [{"a": text}], f"{connection}: text as a parameter")
        equal(host.rows(f"{connection}/echo", Param_a="' \" ; 😀"), [{"a": "' \" ; 😀"}], f"{connection}: Param_a")
        equal(host.rows(f"{connection}/echo", payload='["from the payload"]'), [{"a": "from the payload"}], f"{connection}: payload")
        equal(host.rows(f"{connection}/echo", Params=[None]), [{"a": None}], f"{connection}: null")
        equal(host.rows(f"{connection}/echo", Param_A="secret://token"), [{"a": "open sesame"}], f"{connection}: a secret")
        equal(host.rows(f"{connection}/echo", Param_a="Bearer secret://token"), [{"a": "Bearer open sesame"}], f"{connection}: a secret behind a word")
        equal(host.rows(f"{connection}/echo", Params={"a": "secret://token"}), [{"a": "secret://token"}], f"{connection}: in JSON it is text")
        equal(host.rows(f"{connection}/twice", Param_a="x"), [{"a": "x", "b": "b?", "a_2": "x", "q": ":a"}], f"{connection}: names and defaults")
        equal(host.rows(f"{connection}/one"), [{"one": 1, "nought": None}], f"{connection}: without parameters")


def unicode(world):
    """In the text of statements and in names, too."""
    host = world.host(statements={"u": {"sql": "SELECT 'größe 漢😀' AS größe"}, "e": {"sql": "SELECT * FROM größe"}}, procedures={})
    for connection in ("pg", "my", "lite"):
        equal(host.rows(f"{connection}/u"), [{"größe": "größe 漢😀"}], f"{connection}: UTF-8 in a statement")
        host.fails(PERMANENT, "sql.statement", f"{connection}/e", "größe")
    host.close()


def types(world, host):
    for connection in ("pg", "my"):
        host.output(f"{connection}/clear")
        equal(host.output(f"{connection}/put", Params=VALUES)["rowCount"], 1, f"{connection}: a row is put")
        row = host.rows(f"{connection}/get")[0]
        for name, wanted in WANTED.items():
            got = row[name]
            if name == "j":
                got = json.loads(got)
            if name in ("ti", "ts", "tz"):  # a column of microseconds is shown with all six by some
                got, wanted = got.replace("Z", "").rstrip("0").rstrip("."), wanted.replace("Z", "")
            if name == "b" and connection == "my":
                wanted = 1  # boolean is tinyint there
            equal(got, wanted, f"{connection}: {name}")
        check(connection == "my" or row["tz"].endswith("Z"), "a timestamp with time zone says that it is UTC", row["tz"])
        host.output(f"{connection}/clear")
        host.output(f"{connection}/put")
        equal(set(host.rows(f"{connection}/get")[0].values()), {None}, f"{connection}: NULL of every type")
        host.output(f"{connection}/clear")
    host.output("lite/put_lite", Params=VALUES)
    row = host.rows("lite/get")[0]
    for name in ("t", "i", "f", "b", "da", "bin", "u"):
        equal(row[name], WANTED[name] if name != "u" else VALUES["u"], f"sqlite: {name}")
    equal(host.rows("pg/long_number"), [{"n": "7" * 30000}], "a number of any length is whole")
    host.output("lite/clear")
    # SQLite keeps any text in columns of any type.
    odd = ['a,"b"\r\n', "x" * 5000, "y" * 1500]
    world.lite_sql("INSERT INTO kinds (i, d, ts) VALUES (?, ?, ?)", odd)
    equal(host.rows("lite/odd_kinds"), [dict(zip(("i", "d", "ts"), odd))], "text in columns of numbers")
    result = host.run("lite/odd_kinds", Result="csv")
    equal(list(csv.reader(io.StringIO(result["output"], newline="")))[1:], [odd], "text in columns of numbers, as CSV")
    host.output("lite/clear")
    equal(host.rows("my/unsigned"), [{"i": "18446744073709551615", "r": 0.1, "bi": True, "y": 2026}], "types of MariaDB alone")


def refusals(host):
    def no(part, **parameters):
        host.fails(PERMANENT, "sql.parameter", "pg/put", part, **parameters)
    no('must be a whole number', Param_i="1.5")
    no('must be a whole number', Param_i="9223372036854775808")
    no('must be a whole number', Params={"i": "1; DROP TABLE customer"})
    no('must be a decimal number', Param_d="1e5")
    no('must be a decimal number', Param_d="1' OR '1")
    no('must be a number', Param_f="nan")
    no('must be true or false', Param_b="maybe")
    no('must be a date', Param_da="2026-02-29")
    no('must be a time', Param_ti="24:00")
    no('must be a timestamp', Param_ts="2026-01-01T00:00:00+99:00")
    no('must be base 64', Param_bin="AA=A")
    no('must be a UUID', Param_u="6f8b9c1e")
    no('must be a JSON value', Param_j="{")
    no('must be one value', Params={"t": {"a": 1}})
    no('has no parameter "x"', Param_x="1")
    no('given twice', Param_i="1", Params={"I": 2})
    no('there is no parameter "Parm_i"', Parm_i="1")
    no('is not JSON', Params="{")
    no('must be a JSON object or array', Params="7")
    no('not both', Params="{}", payload="{}")
    no('Params is given twice', Params="{}", PARAMS="{}")
    no('must be text without U+0000', Params={"t": "a\0b"})
    host.fails(PERMANENT, "sql.parameter", "pg/echo", 'needs the parameter "a"')
    host.fails(PERMANENT, "sql.parameter", "pg/echo", "takes 1 parameters, not 2", Params=[1, 2])
    host.fails(PERMANENT, "sql.secret", "pg/echo", 'no secret "other"', Param_a="secret://other")
    # What the plugin itself logs in with, also on another connection.
    for connection in ("pg", "lite"):
        for reference in ("secret://postgresql", "Bearer secret://mariadb"):
            host.fails(PERMANENT, "sql.secret", f"{connection}/echo", "is the password of a connection", Param_a=reference)
    host.fails(PERMANENT, "sql.parameter", "pg/transfer", "only comes out", Params={"source": "a", "target": "b", "amount": 1, "note": "x"})
    host.fails(PERMANENT, "sql.parameter", "pg/one", "RowLimit must be", RowLimit="1001")
    host.fails(PERMANENT, "sql.parameter", "pg/one", "TimeoutMs must be", TimeoutMs="0")
    host.fails(PERMANENT, "sql.parameter", "pg/one", "Result must be", Result="xml")
    host.fails(PERMANENT, "sql.target", "nowhere/one", 'no connection "nowhere"')
    host.fails(PERMANENT, "sql.target", "pg/nothing_such", 'no statement or procedure')
    host.fails(PERMANENT, "sql.target", "pg", "sql:CONNECTION/NAME")
    host.fails(PERMANENT, "sql.target", "my/only_pg", "may not be run on")
    host.fails(PERMANENT, "sql.target", "lite/transfer", "SQLite", Params=["a", "b", 1])
    equal(host.run("pg/only_pg")["outcome"], SUCCESS, "on the one connection that it may use")


def run(world):
    host = world.host()
    strings(host)
    types(world, host)
    refusals(host)
    host.close()
    unicode(world)
