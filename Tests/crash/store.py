"""The store of a host, read while no host has it open or beside one; never written."""
import os
import shutil
import sqlite3
import tempfile
import uuid

STATES = ("scheduled", "waiting", "queued", "running", "retrying", "succeeded", "failed", "cancelled", "skipped",
          "expired")
FIRST_FINAL = STATES.index("succeeded")
OUTPUT = 2


def text_of(blob):
    return str(uuid.UUID(bytes=bytes(blob)))


class Store:
    """A connection for reading; a store that is not there, or has no tables yet, is an empty one."""

    def __init__(self, path):
        self.connection = None
        self.copy = None
        if os.path.exists(path + "-journal"):
            # Killed before the store was in WAL mode: what is half done must be undone before it can be read. Not in the original.
            self.copy = tempfile.TemporaryDirectory()
            for suffix in ("", "-journal"):
                shutil.copy(path + suffix, os.path.join(self.copy.name, "spindle.db" + suffix))
            path = os.path.join(self.copy.name, "spindle.db")
            sqlite3.connect(path).execute("SELECT count(*) FROM sqlite_schema").connection.close()
        if os.path.exists(path):
            self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)
            if not self.rows("SELECT 1 FROM sqlite_schema WHERE name = 'executions'"):
                self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        if self.copy is not None:
            self.copy.cleanup()
            self.copy = None

    def rows(self, sql):
        return [] if self.connection is None else self.connection.execute(sql).fetchall()

    def integrity(self):
        """What is wrong with the file."""
        return [row[0] for row in self.rows("PRAGMA integrity_check") if row[0] != "ok"]

    def unfinished(self):
        """State and attempt of each execution that has not ended."""
        rows = self.rows(f"SELECT id, state, attempt FROM executions WHERE state < {FIRST_FINAL}")
        return {text_of(id): (STATES[state], attempt) for id, state, attempt in rows}

    def count_unfinished(self):
        rows = self.rows(f"SELECT count(*) FROM executions WHERE state < {FIRST_FINAL}")
        return rows[0][0] if rows else 0

    def executions(self):
        """Every execution: (id, state, attempt, failures, losses, error code)."""
        rows = self.rows("SELECT id, state, attempt, failures, losses, error_code FROM executions")
        return [(text_of(id), STATES[state], *rest) for id, state, *rest in rows]

    def outputs(self):
        """The output of each execution that has one."""
        rows = self.rows(f"SELECT execution, bytes FROM blobs WHERE kind = {OUTPUT}")
        return {text_of(id): bytes(output) for id, output in rows}

    def wrong_counters(self):
        """Where the counters that screens show differ from the executions that there are."""
        counted = dict(self.rows('SELECT state, sum(entered - "left") FROM counters GROUP BY state'))
        there = dict(self.rows("SELECT state, count(*) FROM executions GROUP BY state"))
        return [
            f"the counters say {counted.get(number, 0)} {name}, but there are {there.get(number, 0)}"
            for number, name in enumerate(STATES) if counted.get(number, 0) != there.get(number, 0)
        ]

    def hosts(self):
        return len(self.rows("SELECT 1 FROM hosts"))
