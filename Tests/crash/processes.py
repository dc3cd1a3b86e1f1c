"""Processes that outlive the one that started them: whoever a dead host leaves behind becomes a child of this process."""
import ctypes
import os
import signal
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """Makes this process the parent of every orphan below it, so that none can hide."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def die_with_parent():
    """In a child that is about to run a program: it is killed when this process is, however that happens."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def parents():
    """The parent of every process, by process id."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # The name of the program may hold blanks and brackets; what follows the last bracket does not.
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] != b"Z":
            found[int(name)] = int(fields[1])
    return found


def descendants(ancestor):
    """All processes below one, dead ones left out."""
    by_parent = {}
    for child, parent in parents().items():
        by_parent.setdefault(parent, []).append(child)
    found, rest = [], [ancestor]
    while rest:
        children = by_parent.get(rest.pop(), [])
        found += children
        rest += children
    return found


def reap():
    """Collects children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def wait_until_alone(patience):
    """Waits until nothing is left below this process.

    Returns how many seconds that took and who was left at the end of the patience.
    """
    began = time.monotonic()
    while True:
        reap()
        left = descendants(os.getpid())
        waited = time.monotonic() - began
        if not left or waited > patience:
            return waited, left
        time.sleep(0.005)


def kill_all():
    """Ends everything below this process."""
    while left := descendants(os.getpid()):
        for process in left:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        reap()


def command_line(process):
    """What runs in a process, for a person."""
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "gone"
