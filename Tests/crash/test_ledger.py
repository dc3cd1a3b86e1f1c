"""The rules of the ledger, each with a history that keeps it and one that breaks it: a judge that never convicts proves nothing."""
import unittest

from journal import Line
from ledger import Ledger
from work import KINDS, Item, Request, payload_of


class FakeStore:
    """What a store would say."""

    def __init__(self, rows=(), unfinished=None, outputs=None, integrity=(), counters=(), hosts=0):
        self.rows, self.left, self.given, self.broken, self.counters, self.left_hosts = (
            rows, unfinished or {}, outputs or {}, integrity, counters, hosts)

    def integrity(self):
        return list(self.broken)

    def unfinished(self):
        return self.left

    def executions(self):
        return list(self.rows)

    def outputs(self):
        return self.given

    def wrong_counters(self):
        return list(self.counters)

    def hosts(self):
        return self.left_hosts


class History:
    """A ledger that is told things by name: executions are `a`, `b` …"""

    def __init__(self, **kinds):
        self.ledger = Ledger()
        for id, kind in kinds.items():
            self.ask(id, kind)

    def ask(self, id, kind="noop", parent=None, created=True, was_sent=False):
        request = Request([Item(id, KINDS[kind], parent)], "")
        request.was_sent = was_sent
        self.ledger.acknowledge(request, [{"id": id, "created": created}])
        return self

    def begin(self, id, attempt=1):
        self.ledger.take([Line("B", id, attempt, 1, 0)])
        return self

    def end(self, id, attempt=1):
        self.ledger.take([Line("E", id, attempt, 1, 0)])
        return self

    def run(self, id, attempt=1):
        return self.begin(id, attempt).end(id, attempt)

    def kill(self, **unfinished):
        self.ledger.killed(FakeStore(unfinished=unfinished))
        return self

    def close(self, *rows, **facts):
        self.ledger.check_end(FakeStore(rows, **facts))
        return self.ledger.wrong


def row(id, state="succeeded", attempt=1, failures=0, losses=0, error=None):
    return id, state, attempt, failures, losses, error


class Rules(unittest.TestCase):
    def keeps(self, wrong):
        self.assertEqual(wrong, [])

    def breaks(self, text, wrong):
        self.assertTrue(any(text in one for one in wrong), f"{text!r} is not in {wrong}")

    def test_plain_success(self):
        self.keeps(History(a="noop").run("a").close(row("a")))

    def test_lost(self):
        self.breaks("was acknowledged and is not there", History(a="noop").run("a").close())

    def test_invented(self):
        self.breaks("was never asked for", History(a="noop").run("a").run("b").close(row("a"), row("b")))

    def test_phantom(self):
        self.breaks("began and is not there", History(a="noop").run("a").run("b").close(row("a")))

    def test_wrong_end(self):
        self.breaks("it ended failed", History(a="noop").run("a").close(row("a", "failed")))

    def test_success_without_a_run(self):
        self.breaks("did not begin and end", History(a="noop").close(row("a")))
        self.breaks("did not begin and end", History(a="noop").begin("a").close(row("a")))

    def test_begin_after_success(self):
        """The one that matters most: succeeded and committed before the kill, and run again after it."""
        self.breaks("had ended before kill 1", History(a="noop").run("a").kill().run("a", 2).close(row("a", attempt=2)))

    def test_lost_at_a_kill_and_run_again(self):
        history = History(a="noop").run("a").kill(a=("running", 1)).run("a", 2)
        self.assertEqual(history.ledger.repeated, 1)
        self.keeps(history.close(row("a", attempt=2, losses=1)))

    def test_claimed_but_not_begun_at_a_kill(self):
        history = History(a="noop").kill(a=("running", 1)).run("a", 2)
        self.assertEqual(history.ledger.repeated, 0)
        self.keeps(history.close(row("a", attempt=2, losses=1)))

    def test_run_again_without_a_claim(self):
        wrong = History(a="noop").run("a").kill(a=("queued", 1)).run("a", 2).close(row("a", attempt=2))
        self.breaks("failures are written down", wrong)

    def test_same_attempt_twice(self):
        self.breaks("began twice", History(a="noop").run("a").begin("a").close(row("a")))

    def test_attempt_of_the_dead_host(self):
        wrong = History(a="noop").kill(a=("running", 1)).run("a", 1).close(row("a", losses=1))
        self.breaks("was claimed before", wrong)

    def test_unexplained_attempt(self):
        self.breaks("neither ended nor was claimed", History(a="noop").begin("a").run("a", 2).close(row("a", attempt=2)))

    def test_begin_beyond_the_last_attempt(self):
        self.breaks("its last one is 1", History(a="noop").run("a").begin("a", 2).close(row("a")))

    def test_losses(self):
        self.breaks("1 losses are written down", History(a="noop").run("a").close(row("a", losses=1)))

    def test_given_up(self):
        history = History(a="noop")
        for kill in range(1, 5):
            history.begin("a", kill).kill(a=("running", kill))
        self.keeps(history.close(row("a", "failed", attempt=4, losses=4, error="spindle.lostTooOften")))
        wrong = History(a="noop").begin("a").kill(a=("running", 1)).close(
            row("a", "failed", losses=1, error="spindle.lostTooOften"))
        self.breaks("it ended failed", wrong)

    def test_flaky(self):
        self.keeps(History(a="flaky").run("a").run("a", 2).close(row("a", attempt=2, failures=1)))
        self.keeps(History(a="flaky").run("a").kill(a=("running", 1)).run("a", 2).close(row("a", attempt=2, losses=1)))
        burnt = History(a="flaky").run("a").kill(a=("running", 1)).run("a", 2).close(
            row("a", attempt=2, failures=1, losses=1))
        self.breaks("failures are written down", burnt)

    def test_failure(self):
        self.keeps(History(a="fail").run("a").close(row("a", "failed", failures=1, error="bench.fail")))

    def test_skipped(self):
        history = History(a="fail").ask("b", "skipped", parent="a").run("a")
        self.keeps(history.close(row("a", "failed", failures=1), row("b", "skipped", attempt=0)))
        history = History(a="fail").ask("b", "skipped", parent="a").run("a").run("b")
        self.breaks("was skipped and began", history.close(row("a", "failed", failures=1), row("b", "skipped")))

    def test_child(self):
        history = History(a="flaky").ask("b", "child", parent="a").run("a").run("a", 2).run("b")
        self.keeps(history.close(row("a", attempt=2, failures=1), row("b")))

    def test_output(self):
        self.keeps(History(a="payload").run("a").close(row("a"), outputs={"a": payload_of("a")}))
        self.breaks("its output is not", History(a="payload").run("a").close(row("a"), outputs={"a": b"x"}))

    def test_answers(self):
        self.breaks("answered as known", History().ask("a", created=False).run("a").close(row("a")))
        self.keeps(History().ask("a", created=False, was_sent=True).run("a").close(row("a")))
        ledger = Ledger()
        ledger.acknowledge(Request([Item("a", KINDS["noop"], None)], ""), [{"status": 500}])
        self.breaks("was answered", ledger.wrong)
        ledger.no_answer(Request([], ""))
        ledger.check_end(FakeStore())
        self.breaks("never answered", ledger.wrong)

    def test_store(self):
        self.breaks("a page", History().close(integrity=["a page"]))
        self.breaks("counters", History().close(counters=["counters"]))
        self.breaks("table of hosts", History().close(hosts=1))
        ledger = Ledger()
        ledger.killed(FakeStore(integrity=["a page"]))
        self.breaks("after kill 1: a page", ledger.wrong)


def failures():
    """Runs all of them; what is wrong."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Rules).run(result)
    if result.testsRun == 0:
        return ["no rule was tested"]
    return [f"{test}: {trace}" for test, trace in result.failures + result.errors]
