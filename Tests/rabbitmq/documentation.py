"""Whether the page and the plugin say the same: names of parameters, keys of the configuration, codes of errors.

Usage: documentation.py ROOT SCHEMAS, where SCHEMAS is what the harness printed: three lines of JSON."""
import json
import os
import re
import sys

root, schemas = sys.argv[1:]
passed = failed = 0


def same(what, on_page, in_plugin):
    global passed, failed
    for name in sorted(on_page ^ in_plugin):
        failed += 1
        print(f"FAILED: {what} {name} is only {'on the page' if name in on_page else 'in the plugin'}")
    passed += len(on_page & in_plugin)


def table(text):
    """The code spans of the first cells of a section's tables."""
    return {name for line in text.splitlines() if line.startswith("| `") for name in re.findall(r"`([^`]+)`", line.split(" | ")[0])}


page = open(f"{root}/Docs/executors/rabbitmq.md", encoding="utf-8").read()
sections = {title: text for title, text in re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", page, re.M | re.S)}
config, trigger, parameters = (json.loads(line) for line in open(schemas, encoding="utf-8"))

same("parameter", table(sections["Parameters"]), set(parameters["properties"]) | {"Header_NAME"})
for name, schema in parameters["properties"].items():
    row = next(line for line in sections["Parameters"].splitlines() if f"`{name}`" in line.split(" | ")[0])
    default = schema.get("default")
    good = default is None or f"`{json.dumps(default).strip(chr(34))}`" in row.split(" | ")[2]
    passed, failed = passed + good, failed + (not good)
    if not good:
        print(f"FAILED: the default of {name} is {default}")

connection = config["properties"]["connections"]["additionalProperties"]["properties"]
keys = set(connection) | {f"tls.{key}" for key in connection["tls"]["properties"]}
same("key of a connection", table(sections["Configuration"]), keys)
for key, kind in connection["declare"]["properties"].items():
    for name in kind["items"]["properties"]:
        good = f"`{name}`" in sections["Configuration"] and f"`{key}`" in sections["Configuration"]
        passed, failed = passed + good, failed + (not good)
for name, schema in connection.items():
    row = next(line for line in sections["Configuration"].splitlines() if f"`{name}`" in line.split(" | ")[0])
    if "default" in schema and json.dumps(schema["default"]).strip('"') not in row.split(" | ")[1]:
        failed += 1
        print(f"FAILED: the default of {name} is {schema['default']}")
same("key of a trigger", table(sections["The trigger"]), set(trigger["properties"]))

sources = "".join(open(f"{root}/Plugins/rabbitmq/{name}", encoding="utf-8").read() for name in os.listdir(f"{root}/Plugins/rabbitmq"))
codes = set(re.findall(r'"(rabbitmq\.[a-z_.]+)"', sources))
rows = [line.split(" | ")[2] for line in sections["What happens when"].splitlines() if line.startswith("| ")]
same("code", {code for row in rows for code in re.findall(r"`(rabbitmq\.[a-z_.]+)`", row)}, codes)
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
