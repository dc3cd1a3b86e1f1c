"""Questions to the harness with the fixture's library: FIX in a target is its path. Scripts are called with HARNESS PLUGIN FIXTURE."""

import base64
import json
import sys

from harness import Harness, succeeded

harness = Harness(*sys.argv[1:3])
fixture = sys.argv[3]
CONFIG = {"libraries": ["libc.so.6", fixture]}


def ask(target, *args, **more):
    more.setdefault("config", CONFIG)
    parameters = {"args": json.dumps(list(args))} | more.pop("parameters", {})
    return harness.ask(target="native:" + target.replace("FIX", fixture), parameters=parameters, **more)


def ask_list(*calls, **more):
    calls = [dict(zip(("call", "args", "as", "fails", "always"), call)) if isinstance(call, tuple) else call for call in calls]
    for call in calls:
        for key in [key for key, value in call.items() if value is None]:
            del call[key]
        call["call"] = call["call"].replace("FIX", fixture)
    return harness.ask(config=CONFIG, target=more.pop("target", ""), payload=json.dumps({"calls": calls}), **more)


def result(answer, what):
    output = succeeded(answer, what)
    return output["result"] if output else None


def b64(data):
    return {"base64": base64.b64encode(data).decode()}
