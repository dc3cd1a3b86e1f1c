"""The page has every parameter, key and code of the sources, and no other. test_page.py ROOT"""

import glob
import json
import re
import sys

from harness import check, finish

root = sys.argv[1]
page = open(f"{root}/Docs/executors/native.md").read()
sources = "".join(open(file).read() for file in glob.glob(f"{root}/Plugins/native/*.[ch]"))


def schema(name):
    text = re.search(rf"const char {name}\[\] =\n(.*?);\n", open(f"{root}/Plugins/native/schema.c").read(), re.S).group(1)
    text = text.replace(
        " NOTE ", ' "{\\"properties\\":{\\"unit\\":{},\\"description\\":{},\\"minimum\\":{},\\"maximum\\":{},\\"default\\":{}}}" '
    )
    return json.loads("".join(json.loads(f'"{part}"') for part in re.findall(r'"((?:[^"\\]|\\.)*)"', text)))


def rows(heading):
    """First cells of the table below a heading, without their marks."""
    section = page.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    table = [line for line in section.splitlines() if line.startswith("| `")]
    return [(re.findall(r"`([^`]+)`", line.split("|")[1]), line) for line in table]


parameters = schema("parameters_schema")
named = {name for cells, _ in rows("## Parameters") for name in cells}
check(named == set(parameters["properties"]) | {"arg0", "arg1", "NAME"}, f"parameters: {named}")
for cells, line in rows("## Parameters"):
    for name in cells:
        default = parameters["properties"].get(name, {}).get("default")
        check(default is None or f"`{default}`" in line, f"the default of {name}: {line}")

config = schema("config_schema")
function = config["properties"]["functions"]["additionalProperties"]["properties"]
keys = set(config["properties"]) | {f"functions.NAME.{key}" for key in function}
keys |= {f"functions.NAME.parameters.ARGUMENT.{key}" for key in function["parameters"]["additionalProperties"]["properties"]}
keys |= {f"functions.NAME.result.{key}" for key in function["result"]["properties"]}
keys |= {f"functions.NAME.fails.{key}" for key in function["fails"]["anyOf"][1]["properties"]}
named = {name for cells, _ in rows("## Configuration") for name in cells}
check(named == keys, f"configuration: {named ^ keys}")
for cells, line in rows("## Configuration"):
    default = config["properties"].get(cells[0], {}).get("default")
    check(default is None or f"`{json.dumps(default)}`" in line, f"the default of {cells}: {line}")

codes = set(re.findall(r'"(native\.[a-z._]+)"', sources)) - {"native.errno."}
documented = {name for cells, _ in rows("## Failures") for name in cells}
check(documented == codes | {"native.errno.NAME"}, f"codes: {documented ^ codes}")
finish()
