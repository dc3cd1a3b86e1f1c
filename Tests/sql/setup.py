"""The configuration that most tests use."""
import servers

TYPES = {"t": "text", "i": "integer", "d": "decimal", "f": "double", "b": "boolean", "da": "date", "ti": "time", "ts": "timestamp",
         "tz": "timestamp", "bin": "binary", "u": "uuid", "j": "json"}
KINDS = [{"name": n, "type": t, "required": False} for n, t in TYPES.items()]


def number(name="n"):
    return {"name": name, "type": "integer"}


def connections(world, **more):
    return {"pg": world.postgres.settings(**more), "my": world.mariadb.settings(**more),
            "lite": servers.sqlite_settings(world.lite, **more)}


STATEMENTS = {
    "one": {"sql": "SELECT 1 AS one, NULL AS nought"},
    "echo": {"sql": "SELECT :a AS a", "parameters": [{"name": "a"}]},
    "twice": {"sql": "SELECT :a AS a, :b AS b, :a AS a, ':a' AS q", "parameters": [{"name": "a"}, {"name": "b", "default": "b?"}]},
    "put": {"sql": f"INSERT INTO kinds ({', '.join(TYPES)}) VALUES ({', '.join(':' + n for n in TYPES)})", "parameters": KINDS},
    "put_lite": {"sql": f"INSERT INTO kinds ({', '.join(TYPES)}) VALUES ({', '.join('?' for n in TYPES)})", "parameters": KINDS},
    "get": {"sql": "SELECT * FROM kinds"},
    "clear": {"sql": "DELETE FROM kinds"},
    "unsigned": {"sql": "SELECT * FROM unsigned_kinds"},
    "customers": {"sql": "SELECT name, balance FROM customer ORDER BY name", "result": "csv"},
    "add": {"sql": "INSERT INTO customer (name) VALUES (:name)", "parameters": [{"name": "name"}]},
    "add_at_once": {"sql": "INSERT INTO customer (name) VALUES (:name)", "parameters": [{"name": "name"}], "transaction": False},
    "take": {"sql": "UPDATE customer SET balance = balance - :n WHERE name = 'ada'", "parameters": [number()]},
    "wrong": {"sql": "SELEC 1"},
    "missing": {"sql": "SELECT * FROM nowhere"},
    "guarded": {"sql": "SELECT * FROM secret_table"},
    "series": {"sql": "SELECT g AS n, repeat('x', 90) AS pad FROM generate_series(1, :n) g", "parameters": [number()]},
    "series_csv": {"sql": "SELECT g AS n, 'a \"b\", ' || g AS pad FROM generate_series(1, :n) g", "parameters": [number()], "result": "csv"},
    "series_my": {"sql": "SELECT seq AS n, repeat('x', 90) AS pad FROM seq_1_to_120000"},
    "series_my_limited": {"sql": "SELECT seq AS n FROM seq_1_to_300000", "maxRows": 1000},
    "series_lite": {"sql": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT :n) SELECT n, hex(zeroblob(45)) AS pad FROM c",
                    "parameters": [number()]},
    "limited": {"sql": "SELECT g FROM generate_series(1, 100) g", "maxRows": 99},
    "big": {"sql": "SELECT repeat('né\"', 500000) AS t, decode(repeat('00ff10', 500000), 'hex') AS b"},
    "sleep": {"sql": "SELECT pg_sleep(:n)", "parameters": [number()]},
    "sleep_1s": {"sql": "SELECT pg_sleep(60)", "timeoutMs": 300},
    "sleep_my": {"sql": "SELECT sleep(:n)", "parameters": [number()]},
    "sleep_my_1s": {"sql": "SELECT sleep(60)", "timeoutMs": 300},
    "nap": {"sql": "SELECT pg_sleep(0.03)"},
    "nap_my": {"sql": "SELECT sleep(0.03)"},
    "sleep_at_once": {"sql": "SELECT pg_sleep(60)", "transaction": False},
    "slow_fetch": {"sql": "SELECT g, CASE WHEN g > 1500 THEN pg_sleep(0.05)::text END FROM generate_series(1, 100000) g"},
    "endless_lite": {"sql": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c WHERE n < 0"},
    "isolation": {"sql": "SELECT current_setting('transaction_isolation') AS level"},
    "isolation_serializable": {"sql": "SELECT current_setting('transaction_isolation') AS level", "isolation": "serializable"},
    "isolation_my": {"sql": "SELECT @@tx_isolation AS level"},
    "isolation_my_committed": {"sql": "SELECT @@tx_isolation AS level", "isolation": "readCommitted"},
    "add_many": {"sql": "INSERT INTO customer (name) SELECT 'many ' || g FROM generate_series(1, 3) g RETURNING name", "transaction": False, "maxRows": 2},
    "with_change": {"sql": "WITH a AS (UPDATE customer SET balance = balance WHERE name = :name RETURNING name) SELECT name FROM a",
                    "parameters": [{"name": "name"}]},
    "cursors": {"sql": "SELECT count(*) AS cursors FROM pg_cursors"},
    "for_update": {"sql": "SELECT name FROM customer WHERE name = :name FOR UPDATE", "parameters": [{"name": "name"}]},
    "only_pg": {"sql": "SELECT 1", "connections": ["pg"]},
    "defer": {"sql": "INSERT INTO deferred VALUES (1, 2)"},
    "defer_at_once": {"sql": "SELECT put_deferred() AS id", "transaction": False},
    "long_number": {"sql": "SELECT repeat('7', 30000)::numeric AS n"},
    "odd_kinds": {"sql": "SELECT i, d, ts FROM kinds"},
    "lock_wait": {"sql": "UPDATE customer SET balance = balance WHERE name = 'ada'"},
    "lock_repeatable": {"sql": "UPDATE customer SET balance = balance WHERE name = 'ada'", "isolation": "repeatableRead"},
    "pid": {"sql": "SELECT pg_backend_pid() AS pid"},
    "nothing": {"sql": "DELETE FROM customer WHERE name = 'nobody'"},
    "server_limit": {"sql": "SELECT current_setting('statement_timeout') AS pg"},
    "server_limit_my": {"sql": "SELECT @@max_statement_time AS seconds"},
}
PROCEDURES = {
    "transfer": {"parameters": [{"name": "source"}, {"name": "target"}, {"name": "amount", "type": "decimal"},
                                {"name": "left_over", "type": "decimal", "direction": "out"}, {"name": "note", "direction": "out"}]},
    "count_up": {"parameters": [{"name": "number", "type": "integer", "direction": "inout", "required": False}, {"name": "by_text"}]},
    "long_text": {"parameters": [number(), {"name": "long_one", "direction": "out", "maxBytes": 64}]},
    "in_pieces": {"transaction": False},
    "pieces_in_one": {"routine": "in_pieces"},
    "double_it": {"routine": "public.double_it", "returns": "integer", "parameters": [number()]},
    "double_my": {"routine": "work.double_it", "returns": "integer", "parameters": [number()]},
    "min_max": {"function": True, "parameters": [number(), {"name": "lowest", "type": "integer", "direction": "out"},
                                                 {"name": "most", "type": "integer", "direction": "out"}]},
    "huge_out": {"function": True, "parameters": [{"name": "a", "direction": "out"}, {"name": "b", "direction": "out"}]},
    "too_few": {"routine": "min_max", "function": True, "parameters": [number(), {"name": "lowest", "type": "integer", "direction": "out"}]},
    "some_rows": {"function": True, "parameters": [number()]},
    "sets": {"parameters": [number(), {"name": "total", "type": "integer", "direction": "out"}]},
    "sets_csv": {"routine": "sets", "result": "csv", "parameters": [number(), {"name": "total", "type": "integer", "direction": "out"}]},
    "many_sets": {"parameters": [number()]},
    "refuse": {},
    "sleeping": {"parameters": [number()]},
    "as_definer": {"parameters": [number()]},
    "through_gate": {"transaction": False},
    "deadlock": {"parameters": [{"name": "first"}, {"name": "second"}]},
}


def config(world, **more):
    return {"connections": connections(world), "statements": STATEMENTS, "procedures": PROCEDURES, **more}
