"""Holds Docs/executors/http.md against the schemas and the sources: page.py SCHEMAS. The last line is "N passed, M failed"."""
import glob
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = open(f"{ROOT}/Docs/executors/http.md").read()
passed = failed = 0


def check(good, text):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAILED {text}")


def table(heading):
    """Names in the first column -> the default as the page has it."""
    section = PAGE.split(f"\n{heading}\n", 1)[1]
    section = re.split(r"\n##+ ", section, maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    head = [cell.strip() for cell in lines[0].strip("|").split("|")]
    column = head.index("Default")
    found = {}
    for line in lines[2:]:
        if not line.startswith("| `"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for name in re.findall(r"`([^`]+)`", cells[0]):
            found[name] = cells[column].strip("`")
    return found


def flatten(schema, prefix=""):
    """Leaves of the configuration -> default."""
    leaves = {}
    for name, part in schema["properties"].items():
        if part.get("type") == "object":
            leaves.update(flatten(part, f"{prefix}{name}."))
        else:
            leaves[prefix + name] = part.get("default")
    return leaves


def compare(what, schema, page):
    check(set(schema) == set(page), f"{what}: only in the schema {set(schema) - set(page)}, only on the page {set(page) - set(schema)}")
    for name in set(schema) & set(page):
        default = schema[name]
        if default is not None:
            check(str(default).lower() == page[name].lower(), f"{what} {name}: the schema's default is {default}, the page's {page[name]}")
        else:
            check(page[name] in ("none", "needed", "[]", "") or not re.fullmatch(r"[\w-]+", page[name]), f"{what} {name}: no default, the page says {page[name]}")


schemas = json.load(open(sys.argv[1]))
parameters = {name: part.get("default") for name, part in schemas["parameters"]["properties"].items()}
for pattern in schemas["parameters"]["patternProperties"]:
    letters = re.sub(r"\[(.)(.)\]", lambda m: m[2], pattern).strip("^$").replace("_.+", "")
    names = {"header": "Header_NAME", "form": "Form_NAME", "file": "File_NAME", "filename": "FileName_NAME", "filetype": "FileType_NAME",
             "template": "Template_NAME", "assert_header": "Assert_Header_NAME"}
    parameters[names[letters]] = None
compare("parameter", parameters, table("## Parameters"))
config = flatten(schemas["config"])
compare("configuration", config, table("## Configuration"))
compare("host", flatten(schemas["config"]["properties"]["hosts"]["items"]), table("### Hosts"))
sources = "".join(open(path).read() for path in glob.glob(f"{ROOT}/Plugins/http/*.c"))
codes = set(re.findall(r'"(http\.(?!md)[a-z]+[a-z._]*)"', sources)) | {"http.status.NNN"}
section = PAGE.split("\n## Failures\n", 1)[1].split("\n## ", 1)[0]
told = set(re.findall(r"`(http\.[a-zA-Z._]+)`", section))
check(codes == told, f"codes: only in the sources {codes - told}, only on the page {told - codes}")
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
