"""The lives of one store: hosts that are started, watched, killed and started again."""
import time

import host as hosts
from journal import Journal
from ledger import Ledger
from load import Load
from store import Store
from work import Work


class Lives:
    """One store with everything that is known about it."""

    SLOTS = 16

    def __init__(self, place, random, batches=Work.BATCHES):
        self.place = place
        self.random = random
        self.ledger = Ledger()
        self.journal = Journal(place.journal)
        self.work = Work(random, place.journal, batches)
        self.first_begins = []
        self.starts = []
        self.worst_farewell = 0.0

    def start(self, wrapper=()):
        return hosts.Host(self.place, [f"executionEngine.maxConcurrentJobs={self.SLOTS}"], wrapper)

    def load(self, **settings):
        return Load(self.place, self.work, self.ledger, **settings)

    def connect(self, host):
        """A connection as soon as the host listens."""
        connection = host.connect()
        self.starts.append((time.monotonic_ns() - host.started) / 1e9)
        return connection

    def read_journal(self, load=None):
        """Takes what the plugin wrote since the last call."""
        lines = self.journal.read()
        self.ledger.take(lines)
        if load is not None:
            load.took(sum(line.kind == "E" for line in lines))
        return lines

    def follow(self, host, load, until):
        """Watches the host until a condition holds or it has ended."""
        moved = time.monotonic()
        while not until() and not host.has_ended:
            if self.read_journal(load):
                moved = time.monotonic()
            elif time.monotonic() - moved > hosts.PATIENCE:
                host.fail(f"nothing has begun or ended for {hosts.PATIENCE} s")
            else:
                time.sleep(0.002)

    def await_first_begin(self, host, connection):
        """The first attempt after a restart that found work; nobody submits anything meanwhile, so recovery alone leads to it.

        The promise is 2 s from the restart on an idle machine. A slow machine must not break it, so a begin is only called
        late once two things have passed since the host first answered: 2 s of time, and a thousand requests, one after the
        other. Both sides need the same processors, so where they are slow the requests are slow too; what waits for a timer
        or a lease (5, 10, 30 or 60 s) misses both. The time from the start is printed.
        """
        answered = time.monotonic()
        requests = 0
        while True:
            begun = [line for line in self.read_journal() if line.kind == "B"]
            if begun:
                self.first_begins.append(((begun[0].at - host.started) / 1e9, self.starts[-1], requests))
                return
            connection.get("/v1/status")
            requests += 1
            if time.monotonic() - answered > 2 and requests > 1000:
                self.ledger.wrong.append(
                    f"after kill {self.ledger.life - 1} nothing began, although {len(self.ledger.unfinished)} executions"
                    f" waited, {time.monotonic() - answered:.1f} s and {requests} requests after the host answered")
                return

    def bury(self, load=None):
        """After the death of a host: its workers, its journal, its store."""
        waited, left = hosts.wait_for_workers_to_go()
        self.worst_farewell = max(self.worst_farewell, waited)
        if load is not None:
            load.stop()
        self.ledger.wrong += left
        self.read_journal()
        if not self.journal.is_whole:
            self.ledger.wrong.append("the journal ends in the middle of a line")
        with Store(self.place.store) as store:
            self.ledger.killed(store)

    def finish(self, limit=None):
        """The last life: everything that was asked for ends, the host stops in order, and all is checked."""
        host = self.start()
        connection = self.connect(host)
        # Without a limit only what was not answered is sent again.
        load = self.load(limit=0 if limit is None else limit)
        load.start()
        self.follow(host, load, lambda: load.is_over)
        load.stop()
        self.wait_for_all(host)
        connection.close()
        host.stop()
        _, left = hosts.wait_for_workers_to_go()
        self.ledger.wrong += left + host.complaints()
        self.read_journal()
        with Store(self.place.store) as store:
            self.ledger.check_end(store)

    def wait_for_all(self, host):
        """Until nothing in the store is unfinished."""
        moved, before = time.monotonic(), None
        with Store(self.place.store) as store:
            while (left := store.count_unfinished()) > 0:
                if host.has_ended:
                    host.fail(f"the host ended by itself with status {host.process.returncode}")
                if left != before:
                    moved, before = time.monotonic(), left
                elif time.monotonic() - moved > hosts.PATIENCE:
                    host.fail(f"{left} executions have not ended, and nothing moves")
                self.read_journal()
                time.sleep(0.02)
