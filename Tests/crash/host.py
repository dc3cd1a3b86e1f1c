"""One life of `spindle serve`."""
import os
import signal
import subprocess
import time

import client
import processes

# For what must happen but may take long on a busy machine; only waits without any progress are measured against it.
PATIENCE = 120


class Place:
    """The directories of a test and the programs that it runs."""

    def __init__(self, bin_directory, scratch, name):
        self.spindle = os.path.join(bin_directory, "spindle")
        self.plugins = os.path.join(scratch, "plugins")
        self.directory = os.path.join(scratch, name)
        self.state = os.path.join(self.directory, "state")
        self.store = os.path.join(self.state, "spindle.db")
        self.socket = self.store + ".sock"
        self.journal = os.path.join(self.directory, "journal")
        self.log = os.path.join(self.directory, "host.log")
        os.makedirs(self.directory)

    def environment(self):
        """Only these variables: those of whoever runs the tests stay outside."""
        return {"HOME": self.directory, "PATH": "/usr/bin:/bin", "SPINDLE_STATE": self.state}

    @staticmethod
    def install(bin_directory, scratch):
        """Puts the plugin where all hosts of a test look for it."""
        os.makedirs(scratch, exist_ok=True)
        subprocess.run(
            [os.path.join(bin_directory, "spindle"), "plugins", "add", "--as", "bench",
             "--plugins", os.path.join(scratch, "plugins"), os.path.join(bin_directory, "libspindle-plugin-bench.so")],
            check=True, stdout=subprocess.DEVNULL,
            env={"HOME": scratch, "PATH": "/usr/bin:/bin", "SPINDLE_STATE": os.path.join(scratch, "installer")})


class HostEnded(Exception):
    """The host ended although nobody asked it to."""


class Host:
    """A running host; `wrapper` is a command that runs it, such as strace."""

    def __init__(self, place, settings=(), wrapper=()):
        self.place = place
        # These tests crash one plugin again and again, and want to see what becomes of each attempt.
        arguments = [*wrapper, place.spindle, "serve", "--plugins", place.plugins, "--set", "plugins.quarantineAfter=0"]
        for setting in settings:
            arguments += ["--set", setting]
        self.log_start = os.path.getsize(place.log) if os.path.exists(place.log) else 0
        with open(place.log, "ab") as log:
            self.started = time.monotonic_ns()
            self.process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=place.environment(),
                preexec_fn=processes.die_with_parent)

    @property
    def has_ended(self):
        return self.process.poll() is not None

    def own_log(self):
        """What this host has logged."""
        with open(self.place.log, "rb") as file:
            file.seek(self.log_start)
            return file.read().decode(errors="replace")

    def fail(self, what):
        raise HostEnded(f"{what}; its log ends so:\n" + "\n".join(self.own_log().splitlines()[-20:]))

    def connect(self):
        """A connection, as soon as the host listens."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return client.Client(self.place.socket)
            except OSError:
                if self.has_ended:
                    self.fail(f"the host ended with status {self.process.returncode} before it listened")
                if time.monotonic() > until:
                    self.fail(f"the host does not listen after {PATIENCE} s")
                time.sleep(0.002)

    def kill(self):
        """`kill -9` of the host alone. Its workers have to notice by themselves."""
        if self.has_ended:
            self.fail(f"the host had ended with status {self.process.returncode} before it was killed")
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wait_for_death(self):
        """Waits until it has ended by what was done to it."""
        self.process.wait(PATIENCE)

    def stop(self):
        """Asks for the end in order."""
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(PATIENCE) != 0:
            self.fail(f"after SIGTERM the host ended with status {self.process.returncode}")

    def complaints(self):
        """Lines of its log that a host must not write for no other reason than a kill before."""
        return [line for line in self.own_log().splitlines() if " error " in line or " critical " in line]


def wait_for_workers_to_go():
    """After a host is dead: its workers must end by themselves. Returns the seconds it took and what is wrong."""
    waited, left = processes.wait_until_alone(PATIENCE)
    wrong = [f"process {one} ({processes.command_line(one)}) of a dead host is still there" for one in left]
    processes.kill_all()
    return waited, wrong
