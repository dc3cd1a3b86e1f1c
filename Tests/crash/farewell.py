"""SIGTERM while clients come and go: the host must end in order, whatever is on its way to it."""
import itertools
import random
import socket
import threading
import time

import host as hosts


class Farewell:
    """Starts hosts and stops them under connections; `run` returns what is wrong."""

    CLIENTS = 4
    WHOLE = b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
    HALF = b"POST /v1/executions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"

    def __init__(self, place, seed, rounds):
        self.place = place
        self.random = random.Random(seed)
        self.rounds = rounds
        self.worst = 0.0

    def run(self):
        return [text for round in range(self.rounds) for text in self.stop_one(with_halves=round % 5 == 0)]

    def stop_one(self, with_halves):
        host = hosts.Host(self.place)
        host.connect().close()
        # Two that the host cannot wait for: one says nothing, one never finishes what it says. It takes the host 2 s to give up.
        halves = [self.open(text) for text in ((b"", self.HALF) if with_halves else ())]
        is_over = threading.Event()
        clients = [threading.Thread(target=self.come_and_go, args=(is_over,)) for _ in range(self.CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(self.random.uniform(0, 0.05))
        began = time.monotonic()
        try:
            host.stop()
        finally:
            is_over.set()
            for client in clients:
                client.join()
            for half in halves:
                half.close()
        self.worst = max(self.worst, time.monotonic() - began)
        return host.complaints()

    def open(self, text):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.place.socket)
        connection.sendall(text)
        return connection

    def come_and_go(self, is_over):
        for text in itertools.cycle((self.WHOLE, self.HALF)):
            if is_over.is_set():
                return
            try:
                self.open(text).close()
            except OSError:
                pass  # it listens no more

    def figures(self):
        yield f"a stop takes {self.worst:.2f} s at most, with a request that never ends"
