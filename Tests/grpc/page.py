#!/usr/bin/env python3
"""Holds Docs/executors/grpc.md against the plugin, and runs its recipes: page.py ROOT SPINDLE PLUGIN FILES PLAIN MUTUAL

FILES has shop.pb and the certificates; PLAIN and MUTUAL are the ports of a server without TLS and of one that wants a client's
certificate. The last line is "N passed, N failed".
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

root, spindle, plugin, files = (pathlib.Path(name) for name in sys.argv[1:5])
plain, mutual = sys.argv[5:7]
page = (root / "Docs/executors/grpc.md").read_text()
counts = {True: 0, False: 0}


def check(condition, what):
    counts[bool(condition)] += 1
    if not condition:
        print("FAILED", what)


def section(title):
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text):
    """The tables of a section: a list of cells for each row."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def ticked(text):
    return re.findall(r"`([^`]+)`", text)


def described():
    listing = json.loads(subprocess.run([spindle, "plugins", "inspect", plugin, "--json"], check=True, capture_output=True).stdout)
    executor = listing["details"]["executors"][0]
    return json.loads(executor["configSchema"]), json.loads(executor["parametersSchema"])


def limits(schema):
    return [str(schema[key]) for key in ("minimum", "maximum") if key in schema]


def default_of(schema):
    return json.dumps(schema["default"]).strip('"') if "default" in schema else None


def compare(table, properties, where):
    """Each property has a row with its default and its limits, and each row is a property."""
    for name, schema in properties.items():
        row = table.get(name)
        check(row is not None, f"{where}: {name} is not on the page")
        if row is None:
            continue
        default = default_of(schema)
        if default is not None:
            check(default in row[-2].strip("`").split(), f"{where}: {name} has the default {default}, the page says {row[-2]}")
        for limit in limits(schema):
            check(limit in " ".join(row), f"{where}: {name} has the limit {limit}, which is not on the page")
    for name in table:
        check(name in properties, f"{where}: the page has {name}, the schema has not")


def check_tables():
    config, parameters = described()
    known = {}
    for name, schema in config["properties"].items():
        inner = schema.get("properties")
        known.update({f"{name}.{key}": value for key, value in inner.items()} if inner else {name: schema})
    compare({ticked(row[0])[0]: row for row in rows(section("Configuration"))}, known, "configuration")
    fields = dict(parameters["properties"])
    for pattern in parameters["patternProperties"]:
        name = re.sub(r"\[(.)(.)\]", r"\1", pattern).strip("^$").replace("_.+", "_NAME")
        fields[name[0] + name[1:].replace("_NAME", "").lower() + "_NAME"] = {}
    compare({ticked(row[0])[0]: row for row in rows(section("Parameters"))}, fields, "parameters")


def check_codes():
    sources = "".join(path.read_text() for path in (root / "Plugins/grpc").glob("*.cpp"))
    given = set(re.findall(r'"(grpc\.[a-z_.]+[a-z])"', sources))
    statuses = set(re.findall(r'\{"([A-Z_]+)", (?:true|false)\}', sources)) - {"OK"}
    check(len(statuses) == 16, f"{len(statuses)} statuses")
    given |= {"grpc.status." + name.lower() for name in statuses}
    listed = [code for row in rows(section("Failures")) for code in ticked(row[0])]
    check(len(listed) == len(set(listed)), "a code is listed twice")
    for code in sorted(given ^ set(listed)):
        check(False, f"{code} is {'not on the page' if code in given else 'on the page, not in the sources'}")
    # What the table says is retried is what the sources retry.
    for row in rows(section("Failures")):
        for code in ticked(row[0]):
            if code.startswith("grpc.status."):
                retried = f'{{"{code[12:].upper()}", true}}' in sources
                check(retried == (row[-1] == "retried"), f"{code}: {row[-1]}")


def fence(kind, name):
    found = re.search(rf"<!-- {kind}: {name} -->\n```[a-z]+\n(.*?)```", page, re.S)
    check(found, f"no {kind} {name}")
    return found.group(1) if found else ""


def masked(text):
    return re.sub(r"execution [0-9a-f]{8}", "execution ID", text)


def write(path, text, mode):
    path.write_text(text)
    path.chmod(mode)


def recipe(name, sidecar, hosts):
    """Runs a recipe in a directory of its own, with the page's hosts at the servers of the tests."""
    with tempfile.TemporaryDirectory() as directory:
        room = pathlib.Path(directory)
        room.chmod(0o755)
        granted = room / "granted"
        for folder, mode in (("plugins", 0o700), ("secrets", 0o700), ("state", 0o700), ("granted", 0o755)):
            (room / folder).mkdir()
            (room / folder).chmod(mode)
        for file in ("shop.pb", "ca.pem", "client.pem"):
            shutil.copy(files / file, granted)
            (granted / file).chmod(0o644)
        write(room / "secrets/shop-token", "s3cret-value\n", 0o600)
        write(room / "secrets/shop-client-key", (files / "client.key").read_text(), 0o600)
        hosts = [(before, after.replace("DIRECTORY", str(granted))) for before, after in hosts]

        def local(text):
            for before, after in hosts:
                text = text.replace(before, after)
            return text

        path = f"{spindle.parent}:{os.environ['PATH']}"
        environment = {"PATH": path, "HOME": directory, "SPINDLE_STATE": f"{room}/state", "SPINDLE_PLUGINS_DIRECTORY": f"{room}/plugins",
                       "SPINDLE_SECRETS_DIRECTORY": f"{room}/secrets", "SPINDLE_SOCKET": f"{room}/socket"}
        subprocess.run([spindle, "plugins", "add", plugin, "--as", "grpc", "--plugins", room / "plugins"], check=True,
                       stdout=subprocess.DEVNULL, env=environment)
        write(room / "plugins/grpc.yaml", local(sidecar), 0o600)
        done = subprocess.run(["bash", "-c", local(fence("example", name))], cwd=room, env=environment, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    got, wanted = masked(done.stdout).splitlines(), masked(fence("output", name)).splitlines()
    for line in range(max(len(got), len(wanted))):
        pair = [lines[line] if line < len(lines) else "nothing" for lines in (got, wanted)]
        check(pair[0] == pair[1], f"{name}: printed {pair[0]!r}, the page says {pair[1]!r}")


check_tables()
check_codes()
recipe("grpc-calls", "secrets: [shop-token]\n", [("127.0.0.1:50051", f"127.0.0.1:{plain}")])
grants = re.search(r"\n\n((?:    .*\n)*    isolation: sandbox\n(?:    .*\n)*)", section("Security")).group(1)
recipe("grpc-tls", re.sub(r"^    ", "", grants, flags=re.M), [
    ("shop.example.com:443", f"127.0.0.1:{mutual}"), ("shop.example.com:8443", "127.0.0.1:1"),
    ("shop.example.com/", f"127.0.0.1:{mutual}/"), ("/etc/spindle/grpc", "DIRECTORY")])
print(f"{counts[True]} passed, {counts[False]} failed")
sys.exit(counts[False] > 0)
