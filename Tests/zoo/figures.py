"""What a host has of the machine: it must have the same when a zoo has gone through it."""
import os
from dataclasses import dataclass

import processes

MIB = 1 << 20


@dataclass(frozen=True)
class Figures:
    """Of one process."""

    pid: int
    descriptors: int
    threads: int
    children: int
    zombies: int
    resident: int

    @staticmethod
    def of(pid):
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            resident = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))
        return Figures(
            pid, descriptors(pid), len(os.listdir(f"/proc/{pid}/task")),
            len(processes.descendants(pid)), zombies(pid), resident)

    def is_back_at(self, before, threads=0):
        """Whether it has no more than before, and `threads` besides. Threads of a pool that were there before may have ended."""
        return (self.pid == before.pid and self.descriptors == before.descriptors
                and self.threads <= before.threads + threads and self.children == 0 and self.zombies == 0)

    def __str__(self):
        return (f"pid {self.pid}, {self.descriptors} descriptors, {self.threads} threads, {self.children} children, "
                f"{self.zombies} zombies, {self.resident / MIB:.0f} MiB")


def descriptors(pid):
    """Open descriptors without those of the store: SQLite's readers are a pool that grows up to its limit when there is much to read."""
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            count += "/spindle.db" not in os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            continue
    return count


def zombies(parent):
    """Dead children that nobody has collected."""
    count = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            count += fields[0] == b"Z" and int(fields[1]) == parent
    return count
