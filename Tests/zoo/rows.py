"""Every plugin of the zoo, and what is done with it. How it ends stands in PluginSDK/zoo/outcomes.txt."""
from dataclasses import dataclass

LEVELS = ("in-process", "worker", "sandbox", "one-shot")
ENDS = "not run: it would end the host"
CHANGES = "not run: it would change the host"


@dataclass(frozen=True, eq=False)
class Row:
    """`skips`: levels at which it is not run, with the reason. `times`: attempts, one right after the other. `ends_by_time`: gets
    a short time limit, because nothing else ends it; the others have far more than any machine needs. `needs`: lines for
    its sidecar in a sandbox. `sidecar`: lines for it everywhere. `links`: arguments for the linker. `same`: words for outcomes that
    differ from machine to machine. `is_looked_at`: asked about with a short limit, and given to no host.
    `stays`: threads that it leaves behind in-process."""

    name: str
    skips: dict | None = None
    times: int = 1
    ends_by_time: bool = False
    needs: str = ""
    sidecar: str = ""
    links: tuple = ()
    same: dict | None = None
    is_looked_at: bool = False
    stays: int = 0

    def skipped(self, level):
        """Why it is not run at a level; None if it is."""
        return (self.skips or {}).get(level)


NOT_INSIDE = {"in-process": ENDS}
CHANGES_HOST = {"in-process": CHANGES}
# A control group kills, a limit of the process makes malloc fail.
MEMORY = {"crashed(SIGKILL)": "ended at its limit", "failed(zoo.no-memory)": "ended at its limit"}

ROWS = [
    Row("healthy", times=2),
    # It ends itself.
    Row("segv", NOT_INSIDE),
    Row("abort", NOT_INSIDE),
    Row("trap", NOT_INSIDE),
    Row("bus-error", NOT_INSIDE),
    Row("exit-zero", NOT_INSIDE),
    Row("exit-now", NOT_INSIDE),
    Row("stack-overflow", NOT_INSIDE),
    Row("thread-crash", NOT_INSIDE),
    Row("heap-corruption", NOT_INSIDE, times=2),
    Row("close-all", NOT_INSIDE),
    Row("bad-pointer", NOT_INSIDE),
    Row("bad-release", NOT_INSIDE),
    Row("bad-create", NOT_INSIDE),
    Row("bad-destructor", NOT_INSIDE),
    Row("hanging-destructor", NOT_INSIDE),
    # It does not end.
    Row("loop", ends_by_time=True, stays=1),
    Row("deaf", ends_by_time=True, stays=1),
    Row("stops-itself", NOT_INSIDE, ends_by_time=True),
    Row("hanging-cancel", ends_by_time=True, stays=2),
    Row("never-completes", ends_by_time=True),
    Row("complete-late", ends_by_time=True),
    # It takes too much.
    Row("heap-bomb", CHANGES_HOST, needs="memory: 64MiB", same=MEMORY),
    Row("fork-bomb", NOT_INSIDE),
    Row("thread-bomb", CHANGES_HOST, needs="pids: 64"),
    Row("huge-result"),
    Row("log-flood"),
    Row("print-flood", CHANGES_HOST),
    Row("huge-line", CHANGES_HOST),
    Row("dirty-log"),
    Row("progress-flood"),
    Row("leaks-descriptors", CHANGES_HOST, times=2, sidecar="recycle: {jobs: 1}"),
    Row("leaks-memory", CHANGES_HOST, times=2, sidecar="recycle: {jobs: 1}"),
    Row("changes-process", CHANGES_HOST, times=2),
    # It breaks the rules of the ABI.
    Row("no-result"),
    Row("pending-blocking"),
    Row("unknown-status"),
    Row("unknown-outcome"),
    Row("null-result"),
    Row("short-result"),
    Row("bad-length"),
    Row("endless-message"),
    Row("endless-metadata"),
    Row("complete-twice"),
    Row("complete-elsewhere", times=2),
    Row("forged-handle"),
    Row("forged-code"),
    Row("garbage-frames", NOT_INSIDE),
    # It reaches for others.
    Row("kills-parent", NOT_INSIDE),
    Row("kills-all", {"in-process": ENDS, "worker": ENDS}),
    Row("daemon", CHANGES_HOST),
    # Loading it goes wrong.
    Row("constructor-crash"),
    Row("constructor-hang", is_looked_at=True),
    Row("constructor-exit"),
    Row("constructor-busy", CHANGES_HOST),
    Row("failing-init"),
    Row("no-factory"),
    Row("null-factory"),
    Row("short-factory"),
    Row("future-abi"),
    Row("no-executors"),
    Row("absurd-count"),
    Row("wild-count"),
    Row("twin-types"),
    Row("dirty-type"),
    Row("wild-type"),
    Row("endless-type"),
    Row("null-execute"),
    Row("self-schema"),
    Row("bad-schema"),
    Row("huge-schema"),
    Row("deep-schema"),
    Row("undefined-import"),
    Row("origin-path", links=("-Wl,-rpath,$ORIGIN", "-lbeside")),
    Row("exec-stack", links=("-Wl,-z,execstack",)),
    Row("truncated"),
    Row("text"),
]
