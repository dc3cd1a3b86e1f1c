"""What is submitted, and how each of it must end."""
import base64
import hashlib
import json
import threading
import time
from dataclasses import dataclass, field

QUICK_RETRY = {"retry": {"strategy": "fixed", "baseDelay": "5ms", "jitter": 0}}


@dataclass(frozen=True)
class Kind:
    """A kind of execution. `share`: how many of a thousand; `ends`: lines of the journal that end an attempt."""

    name: str
    share: int
    target: str = "noop"
    type: str = "bench"
    end: str = "succeeded"
    ends: int = 1
    failures: int = 0
    parameters: dict = field(default_factory=dict)
    policy: dict = field(default_factory=dict)
    delay: str = ""
    parent: str = ""
    has_payload: bool = False


KINDS = {kind.name: kind for kind in [
    Kind("noop", 600),
    Kind("serial", 60, type="bench.serial"),
    Kind("async", 60, type="bench.async"),
    Kind("wait", 80, target="wait", parameters={"ms": "2"}),
    Kind("flaky", 70, target="flaky", ends=2, failures=1, parameters={"failures": "1"}, policy=QUICK_RETRY),
    Kind("fail", 30, target="fail", end="failed", failures=1, parameters={"class": "permanent"}),
    Kind("delayed", 40, delay="50ms"),
    Kind("payload", 20, has_payload=True),
    Kind("child", 30, parent="flaky"),
    Kind("skipped", 10, end="skipped", ends=0, parent="fail"),
]}


@dataclass(frozen=True, slots=True)
class Item:
    """One execution as it is submitted. `id` is None until the host has chosen one."""

    id: str | None
    kind: Kind
    parent: str | None


class Request:
    """One call to the API: a batch with ids of the client's, or a single submission with an idempotency key.

    Whoever gets no answer sends the same request again.
    """

    def __init__(self, items, body, key=None):
        self.items = items
        self.body = body
        self.key = key
        self.was_sent = False

    @property
    def headers(self):
        return {} if self.key is None else {"Idempotency-Key": self.key}


def payload_of(execution):
    """The payload of an execution, which `bench` gives back as its output."""
    return hashlib.sha256(execution.encode()).digest() * 64


class Work:
    """Makes requests, at random but the same for the same seed. Any thread."""

    BATCHES = (1, 1, 1, 4, 16, 64, 200)

    def __init__(self, random, journal, batches=BATCHES):
        self.random = random
        self.journal = journal
        self.batches = batches
        self.names = list(KINDS)
        self.shares = [kind.share for kind in KINDS.values()]
        self.lock = threading.Lock()

    def next(self):
        with self.lock:
            size = self.random.choice(self.batches)
            if size == 1 and self.random.random() < 0.5:
                item = Item(None, KINDS["noop"], None)
                body = self.body(item)
                return Request([item], json.dumps(body), key=self.id())
            items = []
            for name in self.random.choices(self.names, self.shares, k=size):
                kind = KINDS[name]
                parent = None
                if kind.parent:
                    parent = self.id()
                    items.append(Item(parent, KINDS[kind.parent], None))
                items.append(Item(self.id(), kind, parent))
            return Request(items, json.dumps({"executions": [self.body(item) for item in items]}))

    def id(self):
        """A UUID of version 7."""
        bits = int(time.time() * 1000) << 80 | 7 << 76 | self.random.getrandbits(12) << 64 | 2 << 62 \
            | self.random.getrandbits(62)
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def body(self, item):
        kind = item.kind
        body = {"type": kind.type, "target": kind.target, "parameters": {"journal": self.journal, **kind.parameters}}
        if item.id:
            body["id"] = item.id
        if kind.policy:
            body["policy"] = kind.policy
        if kind.delay:
            body["delay"] = kind.delay
        if item.parent:
            body["after"] = [item.parent]
        if kind.has_payload:
            body["payload"] = {"base64": base64.b64encode(payload_of(item.id)).decode()}
        return body
