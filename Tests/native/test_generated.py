"""Hundreds of generated signatures: native, ctypes and what was worked out have to agree.

test_generated.py HARNESS PLUGIN DIRECTORY CC SEED COUNT"""

import ctypes
import json
import subprocess
import sys

import generate
from generated_types import Struct
from harness import Harness, check, finish, succeeded

program, plugin, directory, cc, seed, count = sys.argv[1:]
cases, text = generate.make(int(seed), int(count))
source, library = f"{directory}/generated.c", f"{directory}/libgenerated.so"
with open(source, "w") as file:
    file.write(text)
subprocess.run([cc, "-std=c11", "-O1", "-w", "-shared", "-fPIC", source, "-o", library], check=True)

harness = Harness(program, plugin)
loaded = ctypes.CDLL(library)
misplaced = 0
kinds = {"structs": 0, "callbacks": 0, "variadic": 0, "out": 0}
for case in cases:
    answer = harness.ask(
        config={"libraries": [library]}, target=f"native:{library}!{case.target}", parameters={"args": json.dumps(case.json())}
    )
    native = succeeded(answer, case.target)
    expected = case.expected()
    compared = case.by_ctypes(loaded)
    check(native == expected, f"{case.target}\n  {case.json()}\n  native   {native}\n  expected {expected}")
    kinds["structs"] += any(isinstance(t, Struct) for a in case.arguments for t in a.types) or isinstance(case.result, Struct)
    kinds["callbacks"] += "callback" in case.target
    kinds["variadic"] += case.variadic
    kinds["out"] += "out " in case.target
    # libffi 3.4.4 has a fault (its issue 574) that ctypes has with it, and native not: about one of a thousand signatures.
    if compared != expected:
        misplaced += 1
        print(f"ctypes is wrong: {case.target}")
        continue
    check(native == compared, f"{case.target}\n  {case.json()}\n  native   {native}\n  ctypes   {compared}")
harness.close()
check(misplaced <= len(cases) // 200, f"ctypes is wrong in {misplaced} cases")
print(f"{len(cases)} signatures; with {', '.join(f'{kind}: {number}' for kind, number in kinds.items())}")
# A generator that makes nothing of a kind would test nothing.
check(all(number >= len(cases) // 20 for number in kinds.values()), f"the signatures are of every kind: {kinds}")
finish()
