"""Submits from several connections for as long as the host lives."""
import http.client
import json
import threading

import client


class Load:
    """Keeps the host busy with a bounded backlog. Its threads end with the host."""

    def __init__(self, place, work, ledger, limit=None, connections=3, backlog=400):
        self.place = place
        self.work = work
        self.ledger = ledger
        self.limit = limit
        self.backlog = backlog
        self.changed = threading.Condition()
        self.is_stopping = False
        self.acknowledged = 0
        self.owed = 0
        self.done = 0
        self.underway = 0
        self.threads = [threading.Thread(target=self.submit_all) for _ in range(connections)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        """Sends nothing more and waits for the answers that are under way."""
        with self.changed:
            self.is_stopping = True
            self.changed.notify_all()
        for thread in self.threads:
            thread.join()

    @property
    def is_over(self):
        return not any(thread.is_alive() for thread in self.threads)

    def took(self, ends):
        """So many attempts have ended since the last call."""
        with self.changed:
            self.done += ends
            self.changed.notify_all()

    def submit_all(self):
        try:
            connection = client.Client(self.place.socket)
        except OSError:
            return
        while (request := self.next()) is not None:
            try:
                receipts = self.submit(connection, request)
            except (OSError, http.client.HTTPException):
                # The host died before it answered. If it did not, the test finds out by itself.
                with self.changed:
                    self.ledger.no_answer(request)
                break
            with self.changed:
                self.ledger.acknowledge(request, receipts)
                self.acknowledged += len(request.items)
                self.owed += sum(item.kind.ends for item in request.items)
                self.underway -= len(request.items)
        connection.close()

    def next(self):
        """What to send next: what was not answered before, then new work."""
        with self.changed:
            while self.owed - self.done > self.backlog and not self.is_stopping:
                self.changed.wait()
            if self.is_stopping:
                return None
            if self.ledger.unanswered:
                request = self.ledger.unanswered.pop()
            elif self.limit is None or len(self.ledger.items) + self.underway < self.limit:
                request = self.work.next()
            else:
                return None
            self.underway += len(request.items)
            return request

    @staticmethod
    def submit(connection, request):
        """One receipt or problem for each item."""
        status, body = connection.call("POST", "/v1/executions", request.body, request.headers)
        answer = json.loads(body)
        if status not in (200, 201):
            return [answer] * len(request.items)
        if request.key is not None:
            return [answer]
        return [entry.get("receipt", entry.get("problem")) for entry in answer["executions"]]
