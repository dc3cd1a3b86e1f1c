"""`kill -9` of the host at its Nth write or sync of a file: the process ends as it enters that system call."""
import random
import signal

import host as hosts
from lives import Lives


class Sweep:
    """Kills a host at one point of a fresh store, the next one at the same point of its recovery, and lets the third one end.

    strace counts the calls of each thread by itself: in a fresh store the first ones are those that make the tables, on the
    thread that opens it; after the restart they are those of the recovery and of the commits.
    """

    CALLS = ("pwrite64", "fdatasync")

    def __init__(self, place, seed, call, nth):
        self.lives = Lives(place, random.Random(seed), batches=(1, 2, 3, 4))
        # Not with --seccomp-bpf: there strace stops where a signal cannot be injected.
        self.strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
                       "-e", f"inject={call}:signal=KILL:when={nth}"]

    def run(self):
        for _ in range(2):
            self.run_into_the_kill()
        self.lives.finish()
        return self.lives.ledger.wrong

    def run_into_the_kill(self):
        lives = self.lives
        host = lives.start(self.strace)
        load = None
        try:
            connection = lives.connect(host)
        except hosts.HostEnded:
            pass  # before it listened
        else:
            connection.close()
            load = lives.load(connections=2, backlog=40)
            load.start()
            lives.follow(host, load, lambda: load.is_over)
        host.wait_for_death()
        if host.process.returncode != -signal.SIGKILL:
            host.fail(f"the host was not killed, but ended with status {host.process.returncode}")
        lives.bury(load)
