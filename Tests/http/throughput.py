"""HTTP executions a second through a real host, beside wrk and hey on the same server: throughput.py BINARIES PLUGIN DIRECTORY PORT [SECONDS]

Every execution is submitted, committed, sent, answered and settled, with the durability of a host's own store. Rounds are run by turns."""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time

from host import Host

BATCH = 500

SIDECAR = """
concurrency: {slots}
concurrencyPerWorker: {slots}
executors:
  - type: TYPE
    uses: http
    config: {{maxConnections: {slots}}}
"""


class Bench(Host):
    def __init__(self, slots, *arguments):
        self.slots = slots
        super().__init__(*arguments)

    def environment(self):
        return {**super().environment(), "SPINDLE_EXECUTION_ENGINE_MAX_CONCURRENT_JOBS": str(self.slots),
                "SPINDLE_LOG_LEVEL": "error"}


def family(pid):
    """The process and all that it started."""
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/children") as file:
                children = file.read().split()
        except FileNotFoundError:  # a thread that has ended
            continue
        for child in children:
            found += family(int(child))
    return found


def cpu_seconds(pid):
    """Of the host and its workers, all threads."""
    total = 0
    for one in family(pid):
        with open(f"/proc/{one}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def wrk(port, connections, seconds):
    told = subprocess.run(["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", f"http://127.0.0.1:{port}/hello"],
                          check=True, capture_output=True, text=True).stdout
    return float(re.search(r"Requests/sec:\s*([0-9.]+)", told)[1])


def hey(port, connections, seconds):
    """A client with a request and a response as objects, as programs have them."""
    told = subprocess.run(["hey", "-c", str(connections), "-z", f"{seconds}s", f"http://127.0.0.1:{port}/hello"],
                          check=True, capture_output=True, text=True).stdout
    return float(re.search(r"Requests/sec:\s*([0-9.]+)", told)[1])


def ended(host):
    counts = host.api("GET", "/v1/status")["executions"]
    return sum(counts.get(state, 0) for state in ("succeeded", "failed", "cancelled")), counts.get("failed", 0)


def executions(host, port, count):
    """Submitted by two clients in batches, as fast as they are taken; like the plain clients they send the same text again and again."""
    job = {"type": "worker", "target": f"http://127.0.0.1:{port}/hello", "policy": {"timeout": "60s"}}
    body = json.dumps({"executions": [job] * BATCH}).encode()
    before, _ = ended(host)
    used = cpu_seconds(host.process.pid)
    began = time.monotonic()

    def client():
        for _ in range(count // 2 // BATCH):
            accepted = host.api("POST", "/v1/executions", body, raw=True).count(b'"created":true')
            if accepted != BATCH:
                refused.append(BATCH - accepted)

    refused = []
    clients = [threading.Thread(target=client) for _ in range(2)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    if refused:
        raise RuntimeError(f"{sum(refused)} submissions were refused")
    while True:
        done, failed = ended(host)
        if done - before >= count // 1000 * 1000:
            break
        time.sleep(0.02)
    took = time.monotonic() - began
    if failed:
        raise RuntimeError(f"{failed} executions failed")
    done = count // 1000 * 1000
    return done / took, (cpu_seconds(host.process.pid) - used) / done * 1e6


def main():
    binaries, plugin, directory, port = sys.argv[1:5]
    seconds = int(sys.argv[5]) if len(sys.argv) > 5 else 5
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    print("AT ONCE   WRK/S   HEY/S  EXECUTIONS/S  OF WRK  OF HEY  CPU US EACH")
    for slots, count in ((1, 2000), (10, 10000), (100, 20000), (1000, 20000)):
        rates = []
        home = f"{directory}/bench-{slots}"
        host = Bench(slots, binaries, plugin, home, SIDECAR.format(slots=slots), "", {})
        try:
            executions(host, port, 1000)  # workers are there, connections are open
            for _ in range(3):
                rates.append((wrk(port, slots, seconds), hey(port, slots, seconds), *executions(host, port, count)))
        finally:
            host.stop()
            shutil.rmtree(home)
        plain, client, ours, cpu = (statistics.median(column) for column in zip(*rates))
        print(f"{slots:7}  {plain:6.0f}  {client:6.0f}  {ours:12.0f}  {ours / plain:6.2f}  {ours / client:6.2f}  {cpu:11.1f}",
              flush=True)


main()
