"""The table of outcomes: as text, as it is kept, and in the documentation."""
import re

from rows import LEVELS

KEPT = "PluginSDK/zoo/outcomes.txt"
PAGE = "Docs/zoo.md"


def text(outcomes):
    """One line a plugin: its name, and its outcome at each level. Outcomes are by level, then by plugin."""
    lines = [" | ".join(("plugin", *LEVELS))]
    lines += [" | ".join((name, *(outcomes[level][name] for level in LEVELS))) for name in outcomes[LEVELS[0]]]
    return "\n".join(lines) + "\n"


def kept():
    """What is kept: outcomes by level, then by plugin."""
    with open(KEPT, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split(" | ") for line in file][1:]
    return {level: {row[0]: row[1 + index] for row in rows} for index, level in enumerate(LEVELS)}


def differences(seen, expected, unavailable, is_whole):
    """What is not as it is kept; of a level that this machine cannot give, only the refusal counts."""
    wrong = []
    for level in seen:
        if is_whole:
            wrong += [f"{name} at {level}: there is no such plugin" for name in expected[level] if name not in seen[level]]
        for name, outcome in seen[level].items():
            wanted = expected[level].get(name, "nothing: there is no such row")
            refusal = unavailable.get(level)
            if refusal and not wanted.startswith(("refused: ", "not run")):
                wanted = refusal
            if outcome != wanted:
                wrong.append(f"{name} at {level}: {outcome}; expected: {wanted}")
    return wrong


def cell(outcome):
    return outcome.replace("|", "\\|")


def tables(outcomes, descriptions):
    """The tables of the page: what runs, and what no level takes."""
    runs, refused = [], []
    for name in outcomes["worker"]:
        ends = [outcomes[level][name] for level in LEVELS]
        what = cell(descriptions[name])
        if len(set(ends)) == 1 and ends[0].startswith("refused: "):
            refused.append(f"| `{name}` | {what} | {cell(ends[0].removeprefix('refused: '))} |")
        else:
            runs.append(f"| `{name}` | {what} | " + " | ".join(cell(end) for end in ends) + " |")
    head = "| plugin | what it does | " + " | ".join(f"`{level}`" for level in LEVELS) + " |\n|---|---|---|---|---|---|\n"
    second = "| plugin | what is wrong with it | why it is refused |\n|---|---|---|\n"
    return head + "\n".join(runs) + "\n", second + "\n".join(refused) + "\n"


def write(outcomes, descriptions):
    """Makes what was seen what is expected."""
    with open(KEPT, "w", encoding="utf-8") as file:
        file.write(text(outcomes))
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    for mark, table in zip(("runs", "refused"), tables(outcomes, descriptions)):
        pattern = f"(?<=<!-- zoo: {mark} -->\n\n).*?(?=\n<!-- end -->)"
        page = re.sub(pattern, lambda _: table, page, flags=re.DOTALL)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page)
