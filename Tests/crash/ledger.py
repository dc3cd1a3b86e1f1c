"""Everything that is known from outside of the host, and what must follow from it.

Known are the acknowledgements, the journal of the plugin, and the store at each kill. The rules:

  - what was acknowledged is there at the end, has ended as its kind says, and nothing else is there;
  - code begins only for what the store says has not ended: after a kill nothing begins that had ended before it;
  - a number of an attempt begins at most once, and every attempt but the last is accounted for: it was claimed at a kill, or
    it failed as it was asked to. So what runs twice because of a kill was claimed at that kill.
"""
from work import KINDS, Item, payload_of

# An execution that four hosts in a row died with may be given up.
LOSSES_OF_GIVEN_UP = 4


class Ledger:
    def __init__(self):
        self.items = {}
        self.unanswered = []
        self.begins = {}
        self.ends = set()
        self.claimed = set()
        self.unfinished = {}
        self.life = 1
        self.wrong = []

    # What happens.

    def acknowledge(self, request, receipts):
        """The host has answered a request with one receipt or problem for each of its items."""
        if len(receipts) != len(request.items):
            self.wrong.append(f"{len(request.items)} submissions got {len(receipts)} answers")
        for item, receipt in zip(request.items, receipts):
            id = receipt.get("id")
            if id is None or item.id not in (None, id):
                self.wrong.append(f"submission {item.id} ({item.kind.name}) was answered {receipt}")
                continue
            if not receipt["created"] and not request.was_sent:
                self.wrong.append(f"{id} was new and was answered as known")
            self.items[id] = Item(id, item.kind, item.parent)
        request.was_sent = True

    def no_answer(self, request):
        """Its fate is unknown: it has to be sent again."""
        request.was_sent = True
        self.unanswered.append(request)

    def take(self, lines):
        """The plugin has written lines; those of a host that is dead come before its kill is told."""
        for line in lines:
            key = (line.execution, line.attempt)
            if line.kind == "E":
                self.ends.add(key)
                continue
            before = self.begins.setdefault(line.execution, [])
            if any(attempt == line.attempt for attempt, _ in before):
                self.wrong.append(f"attempt {line.attempt} of {line.execution} began twice")
            if before and before[-1][1] < self.life and line.execution not in self.unfinished:
                self.wrong.append(f"{line.execution} began again although it had ended before kill {self.life - 1}")
            known = self.unfinished.get(line.execution)
            if known and line.attempt <= known[1]:
                self.wrong.append(f"attempt {line.attempt} of {line.execution} began, but {known[1]} was claimed before")
            before.append((line.attempt, self.life))

    def killed(self, store):
        """A host is dead with all its workers, and this is the store that it left."""
        self.wrong += [f"after kill {self.life}: {text}" for text in store.integrity()]
        self.unfinished = store.unfinished()
        self.claimed |= {(id, attempt) for id, (state, attempt) in self.unfinished.items() if state == "running"}
        self.life += 1

    # What must follow.

    def check_end(self, store):
        """Judges the store after the last host has stopped in order."""
        self.wrong += store.integrity() + store.wrong_counters()
        if self.unanswered:
            self.wrong.append(f"{len(self.unanswered)} requests were never answered")
        if store.hosts():
            self.wrong.append("a host that stopped in order is still in the table of hosts")
        rows = {id: row for id, *row in store.executions()}
        outputs = store.outputs()
        for id in self.items.keys() - rows.keys():
            self.wrong.append(f"{id} was acknowledged and is not there")
        for id in rows.keys() - self.items.keys():
            self.wrong.append(f"{id} is there and was never asked for")
        for id in self.begins.keys() - rows.keys():
            self.wrong.append(f"{id} began and is not there")
        for id, row in rows.items():
            item = self.items.get(id)
            if item is not None:
                self.wrong += [f"{id} ({item.kind.name}): {text}" for text in self.faults(item, row, rows, outputs)]

    def faults(self, item, row, rows, outputs):
        """What is wrong with one execution at the end."""
        state, last, failures, losses, error = row
        losses_seen = sum((item.id, attempt) in self.claimed for attempt in range(1, last + 1))
        if losses != losses_seen:
            yield f"{losses} losses are written down, and it was claimed at {losses_seen} kills"
        if error == "spindle.lostTooOften" and losses_seen >= LOSSES_OF_GIVEN_UP:
            return
        kind = item.kind
        end, ends = kind.end, kind.ends
        if kind is KINDS["child"] and rows[item.parent][0] == "failed":
            end, ends = "skipped", 0
        if state != end:
            yield f"it ended {state} ({error})"
            return
        begun = [attempt for attempt, _ in self.begins.get(item.id, [])]
        if ends == 0:
            if begun:
                yield "it was skipped and began"
            return
        if last not in begun or (item.id, last) not in self.ends:
            yield f"its last attempt {last} did not begin and end"
        if begun and max(begun) > last:
            yield f"attempt {max(begun)} began, but its last one is {last}"
        failed = [attempt for attempt in range(1, last) if (item.id, attempt) not in self.claimed]
        for attempt in failed:
            if (item.id, attempt) not in self.ends:
                yield f"attempt {attempt} neither ended nor was claimed at a kill"
        expected = len(failed) + (1 if end == "failed" else 0)
        if failures != expected or failures > kind.failures:
            yield f"{failures} failures are written down, and it failed {expected} times"
        if kind.has_payload and outputs.get(item.id) != payload_of(item.id):
            yield "its output is not what it gave"

    # Figures.

    @property
    def repeated(self):
        """How many attempts had begun and were lost at a kill, so that their executions ran again."""
        return sum((id, attempt) in self.claimed for id, begins in self.begins.items() for attempt, _ in begins)
