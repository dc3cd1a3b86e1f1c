"""`kill -9` of the host at random moments."""
import random
import statistics
import time

from lives import Lives


class Storm:
    """One store under load, whose host is killed again and again."""

    # One kill in so many falls into the start of a host, before it listens or just after.
    STARTS = 6

    def __init__(self, place, seed, kills, executions):
        self.lives = Lives(place, random.Random(seed))
        self.random = random.Random(seed + 1)
        self.kills = kills
        self.executions = executions

    def run(self):
        for kill in range(self.kills):
            if kill > 0 and self.random.randrange(self.STARTS) == 0:
                self.kill_while_it_starts()
            else:
                self.kill_at_work()
        self.lives.finish(limit=self.executions)
        return self.lives.ledger.wrong

    def kill_while_it_starts(self):
        host = self.lives.start()
        time.sleep(self.random.uniform(0, 1.5 * statistics.median(self.lives.starts)))
        host.kill()
        self.lives.bury()

    def kill_at_work(self):
        """After a random amount of work, and then a moment later, so that no step of the work is preferred."""
        lives = self.lives
        mean = self.executions * self.STARTS / (self.kills * (self.STARTS - 1))
        share, delay = self.random.random(), self.random.uniform(0, 0.03)
        waits = self.random.random() < 0.5
        host = lives.start()
        connection = lives.connect(host)
        if waits and lives.ledger.unfinished:
            lives.await_first_begin(host, connection)
        connection.close()
        load = lives.load()
        load.start()
        # Each execution counts when it is acknowledged and when it ends; the share is a half on average.
        lives.follow(host, load, lambda: load.acknowledged + load.done >= 4 * mean * share or load.is_over)
        if load.is_over:
            lives.ledger.wrong.append("the host gave up its connections before it was killed")
        time.sleep(delay)
        host.kill()
        lives.bury(load)
        lives.ledger.wrong += host.complaints()

    def figures(self):
        """What happened, for a person."""
        lives, ledger = self.lives, self.lives.ledger
        yield (f"{len(ledger.items)} acknowledged; {len(ledger.claimed)} claimed at the kills, of which {ledger.repeated} had begun"
               " and ran again")
        if lives.first_begins:
            begins = [seconds for seconds, _, _ in lives.first_begins]
            slowest, answered, requests = max(lives.first_begins)
            late = sum(seconds > 2 for seconds in begins)
            yield f"first begin after a restart: {statistics.median(begins):.3f} s (median); {late} of {len(begins)} later than 2 s"
            yield f"the slowest: {slowest:.3f} s, of which {answered:.3f} s until the host listened, then {requests} requests"
        yield (f"a host listens after {statistics.median(lives.starts):.3f} s (median); workers of a dead one are gone after"
               f" {lives.worst_farewell:.3f} s at most")
