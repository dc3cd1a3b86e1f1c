"""What the plugin wrote down: the begin and the end of every attempt, by the code that ran."""
import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` is B or E; `at` is nanoseconds of CLOCK_MONOTONIC."""

    kind: str
    execution: str
    attempt: int
    process: int
    at: int


class Journal:
    """Reads the file on as it grows."""

    def __init__(self, path):
        self.path = path
        self.offset = 0
        self.rest = b""

    def read(self):
        """The lines since the last call."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                text = file.read()
        except FileNotFoundError:
            return []
        self.offset += len(text)
        *lines, self.rest = (self.rest + text).split(b"\n")
        return [self.parse(line) for line in lines]

    @staticmethod
    def parse(line):
        kind, execution, attempt, process, at = line.decode().split(" ")
        return Line(kind, execution, int(attempt), int(process), int(at))

    @property
    def is_whole(self):
        """Whether it ends with a whole line and was read to its end."""
        size = os.path.getsize(self.path) if os.path.exists(self.path) else 0
        return not self.rest and self.offset == size
