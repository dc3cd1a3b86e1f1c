"""page.py HOST PLUGIN: the page has every parameter, key, default and code of the plugin, and no other."""
import json
import pathlib
import re
import subprocess
import sys

from harness import equal, check
import harness

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "Docs/executors/sql.md").read_text()


def table(below):
    """The rows of the first table below a heading."""
    rows, begun = [], False
    for line in PAGE[PAGE.index(f"\n{below}\n"):].splitlines():
        if line.startswith("|"):
            begun = True
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif begun:
            break
    return rows[2:]


def keys(schema, found):
    """Every name of a property with its default, at any depth."""
    for name, member in schema.get("properties", {}).items():
        found.setdefault(name, set()).add(json.dumps(member["default"]).strip('"') if "default" in member else None)
        keys(member, found)
        keys(member.get("items", {}), found)
    if isinstance(schema.get("additionalProperties"), dict):
        keys(schema["additionalProperties"], found)
    return found


def code(cell):
    return re.findall(r"`([^`]+)`", cell)


def main():
    answer = subprocess.run(sys.argv[1:3] + ["/tmp"], input='{"op": "schemas"}\n{"op": "quit"}\n', capture_output=True, text=True, check=True)
    schemas = json.loads(answer.stdout.splitlines()[0])
    config, parameters = json.loads(schemas["config"]), json.loads(schemas["parameters"])

    equal(sorted(c for row in table("## Parameters") for c in code(row[0])), sorted([*parameters["properties"], "Param_NAME"]), "parameters of the page")
    wanted = keys(config, {})
    rows = {name: row for row in table("## Configuration") for name in code(row[0])}
    # "tls.caFile" is two; the sections have names in place of NAME, one key has two places.
    named = {part for name in rows for part in name.removesuffix(".NAME").split(".")}
    equal(sorted(named), sorted(wanted), "keys of the page")
    for name, row in rows.items():
        defaults = wanted[name.removesuffix(".NAME").split(".")[-1]] - {None}
        told = row[1].strip("`")
        if len(defaults) == 1 and not name.endswith(".NAME") and name not in ("required", "default", "name"):
            equal(told, next(iter(defaults)), f"default of {name}")

    given = set()
    for source in (ROOT / "Plugins/sql").glob("*.c"):
        text = source.read_text()
        given |= set(re.findall(r'"(sql\.[a-z_.]*[a-z])"', text))
        given |= {f"sql.{name}" for name in re.findall(r'(?:RETRY|NEVER)\("([a-z_]+)"\)', text)}
    documented = [c for row in table("## Failures") for c in code(row[0])]
    equal(sorted(documented), sorted(given), "codes of the page")
    outcomes = {c: row[2] for row in table("## Failures") for c in code(row[0])}
    source = (ROOT / "Plugins/sql/verdict.c").read_text()
    for macro, word in (("RETRY", "retried"), ("NEVER", "permanent")):
        for name in set(re.findall(macro + r'\("([a-z_]+)"\)', source)):
            check(outcomes[f"sql.{name}"].startswith(word), f"sql.{name} is {word} on the page", outcomes)
    types = json.loads(schemas["config"])["properties"]["procedures"]["additionalProperties"]["properties"]["returns"]["enum"]
    listed = [c for line in PAGE[PAGE.index("| type | a value is"):].splitlines() if line.startswith("| `") for c in code(line.split("|")[1])][:len(types)]
    equal(sorted(listed), sorted(types), "types of the page")
    print(f"{harness.passed} passed, {harness.failed} failed")
    return harness.failed > 0


sys.exit(main())
