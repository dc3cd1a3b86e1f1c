"""The configuration: what is refused, named functions, and the schemas made from them. test_config.py HARNESS PLUGIN FIXTURE"""

import sys

from harness import Harness, check, finish, refused, succeeded

harness = Harness(*sys.argv[1:3])
fixture = sys.argv[3]
AREA = {
    "library": fixture,
    "signature": "(width:f64,height:f64)->f64",
    "description": "Area of a rectangle.",
    "parameters": {
        "width": {"unit": "m", "description": "Its width.", "minimum": 0, "maximum": 100},
        "height": {"unit": "m", "default": 2},
    },
    "result": {"unit": "m²"},
    "fails": "< 0",
}


def with_area(**changes):
    entry = AREA | changes
    return {"functions": {"area": {key: value for key, value in entry.items() if value is not None}}}


WRONG = [
    ([], "", "must be an object"),
    ({"library": []}, "/library", "unknown key"),
    ({"libraries": "x"}, "/libraries", "an array"),
    ({"libraries": [5]}, "/libraries/0", "by its name"),
    ({"libraries": ["a", "lib/x.so"]}, "/libraries/1", "is not a library"),
    ({"libraries": [""]}, "/libraries/0", "is not a library"),
    ({"libraries": ["a!b"]}, "/libraries/0", "is not a library"),
    ({"maxBytes": 100}, "/maxBytes", "4096 to 1073741824"),
    ({"maxBytes": "x"}, "/maxBytes", "4096"),
    ({"maxBytes": 2**31}, "/maxBytes", "4096"),
    ({"functions": []}, "/functions", "a function for each name"),
    ({"functions": {"a b": {}}}, "/functions/a b", "a name has"),
    ({"functions": {"a": 5}}, "/functions/a", "must be an object"),
    (with_area(library=None), "/functions/area", "are needed"),
    (with_area(signature=None), "/functions/area", "are needed"),
    (with_area(signature="(f64"), "/functions/area/signature", "is wrong at position"),
    (with_area(more=1), "/functions/area/more", "unknown key"),
    (with_area(symbol=5), "/functions/area/symbol", "must be a text"),
    (with_area(library="a/b"), "/functions/area", "is not a library"),
    (with_area(parameters={"depth": {}}), "/functions/area/parameters/depth", "no argument"),
    (with_area(parameters=[]), "/functions/area/parameters", "must be an object"),
    (with_area(parameters={"width": {"min": 0}}), "/functions/area/parameters/width/min", "unknown key"),
    (with_area(parameters={"width": {"minimum": "0"}}), "/functions/area/parameters/width", "must be numbers"),
    (
        with_area(signature="(width:cstr)->f64", parameters={"width": {"minimum": 0}}),
        "/functions/area/parameters/width",
        "are for numbers",
    ),
    (with_area(parameters={"width": {"unit": 5}}), "/functions/area/parameters/width", "must be a text"),
    (with_area(result={"default": 5, "x": 1}), "/functions/area/result/x", "unknown key"),
    (with_area(fails="never"), "/functions/area/fails", "does not say when"),
    (with_area(fails={}), "/functions/area/fails", '"when"'),
    (with_area(fails={"when": "< 0", "then": 1}), "/functions/area/fails/then", "unknown key"),
    (with_area(fails={"when": "< 0", "outcome": "good"}), "/functions/area/fails/outcome", "retryable or permanent"),
    (with_area(fails="== null"), "/functions/area", "cannot be said"),
]
for config, pointer, text in WRONG:
    answer = harness.ask(config=config, target="x")
    good = (
        answer.get("status") == -4
        and answer["pointer"] == pointer
        and text in answer["message"]
        and answer["code"] in ("native.config", "native.signature")
    )
    check(good, f"{config}: {answer}")
    check(harness.ask(config=config, describe=True).get("status") == -4, f"describe refuses it too: {config}")
for raw in ["", "{", '{"libraries":[],"libraries":[]}']:
    answer = harness.ask(rawConfig=raw, target="native:nothing")
    check(answer.get("code") == ("native.denied" if raw == "" else "native.config"), f"{raw!r}: {answer}")


def ask(target="native:area", config=None, **more):
    return harness.ask(config=config or with_area(), target=target, **more)


GOOD = [
    ({"width": "3", "height": "4"}, 12),
    ({"width": "3"}, 6),
    ({"Width": "3", "HEIGHT": "1"}, 3),
    ({"args": "[3,5]"}, 15),
    ({"args": '{"height":2,"width":4}'}, 8),
    ({"args": "[5]"}, 10),
    ({"arg0": "1", "height": "7"}, 7),
]
for target in ("native:area", "area", "native:", ""):
    for parameters, wanted in GOOD:
        output = succeeded(ask(target, parameters=parameters), f"{target} {parameters}")
        check(output and output["result"] == wanted, f"{target} {parameters}: {output}")
output = succeeded(ask("", payload='{"width":2,"height":2}', contentType="application/json"), "the only function by payload")
check(output and output["result"] == 4, f"by payload: {output}")
refused(ask(parameters={"width": "-1"}), "native.arguments", "/args/0: -1 is below the minimum of 0", "below")
refused(ask(parameters={"width": "100.5"}), "native.arguments", "above the maximum of 100", "above")
refused(ask(parameters={"args": '["NaN"]'}), "native.arguments", "nan is below the minimum", "NaN is in no range")
SIZE = {
    "functions": {
        "f": {"library": "libc.so.6", "symbol": "labs", "signature": "(n:u64)->i64", "parameters": {"n": {"maximum": 20}}}
    }
}
check(succeeded(ask("native:f", SIZE, parameters={"n": "0x14"}), "hexadecimal")["result"] == 20, "a bound of a hexadecimal number")
refused(
    ask("native:f", SIZE, parameters={"n": "18446744073709551615"}),
    "native.arguments",
    "above the maximum of 20",
    "a bound of a large number",
)
refused(ask(parameters={"height": "1"}), "native.arguments", "argument 0 (width)", "missing")
refused(ask(parameters={"width": "x"}), "native.arguments", "a number is needed", "no number")
refused(
    ask(parameters={"width": "1", "height": "-1"}), "native.failed", f"{fixture}!area failed: it returned -1.0", "declared failure"
)
refused(ask(parameters={"width": "1", "Fails": "== 1"}), "native.arguments", "the configuration says", "Fails of a named function")
for outcome, number in (("retryable", 1), ("permanent", 2)):
    answer = ask(config=with_area(fails={"when": "< 0", "outcome": outcome}), parameters={"width": "1", "height": "-1"})
    refused(answer, "native.failed", "", f"outcome {outcome}", outcome=number)
ERRNO = {
    "functions": {
        "f": {"library": fixture, "symbol": "fails_with", "signature": "(number:i32)->i32", "fails": {"when": "< 0", "errno": True}}
    }
}
refused(
    ask("native:f", ERRNO, parameters={"number": "13"}), "native.errno.eacces", "Permission denied", "errno of a named function"
)
# A named function opens that function, not its library.
refused(ask(f"native:{fixture}!sum(i32[]<size>)->i64"), "native.denied", "is not allowed", "the library of a named function")
refused(ask("native:other"), "native.denied", "which has: area", "a name that is not there")

check(
    ask(check=True)["status"] == 0 and harness.ask(config={"libraries": ["libm.so.6"]}, check=True)["status"] == 0, "check: ready"
)
answer = harness.ask(config={"libraries": ["libnowhere.so"]}, check=True)
check(answer["status"] == -4 and answer["code"] == "native.library", f"check: {answer}")
answer = ask(config=with_area(symbol="nowhere"), check=True)
check(answer["status"] == -4 and answer["code"] == "native.symbol", f"check: {answer}")

found = ask(describe=True)
properties = found["parameters"]["properties"]
check(
    properties["width"] == {"type": "number", "description": "Its width. Unit: m.", "minimum": 0, "maximum": 100},
    f"width: {properties['width']}",
)
check(
    properties["height"] == {"type": "number", "description": "Unit: m.", "default": 2} and {"args", "Output"} <= set(properties),
    f"{properties}",
)
check(
    found["parameters"]["additionalProperties"] is False and found["parameters"]["anyOf"][0] == {"required": ["width"]},
    f"{found['parameters']}",
)
check(
    found["output"]["properties"]["result"] == {"description": "Unit: m²."}
    and found["description"] == "Functions: area: Area of a rectangle.",
    f"{found}",
)
MANY = {
    "library": fixture,
    "signature": "(a:u8,b:size,c:bool,d:enum{X,Y=5},e:cstr,f:bytes,g:i32[3],h:{x:f64,y:i16[2]},i:{f32,i64},j:out bytes[*]<inout u64>,k:f64[]<size>)->void",
}
definition = ask(
    config={"functions": {"area": AREA, "many": MANY, "other": MANY | {"signature": "(width:i32)->i32"}}}, describe=True
)["parameters"]
many = definition["$defs"]["many"]["properties"]
WANTED = {
    "a": {"type": "integer", "minimum": 0, "maximum": 255},
    "c": {"type": "boolean"},
    "d": {"enum": ["X", "Y"]},
    "e": {"type": "string"},
    "f": {"type": "string"},
    "g": {"type": "array", "items": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}, "minItems": 3, "maxItems": 3},
    "j": {"type": "integer", "minimum": 1},
    "k": {"type": "array", "items": {"type": "number"}},
}
check(all(many[name] == schema for name, schema in WANTED.items()), f"{many}")
check(
    many["b"]["type"] == ["integer", "string"] and many["h"]["required"] == ["x", "y"] and len(many["i"]["prefixItems"]) == 2,
    f"{many}",
)
check(
    definition["properties"]["width"] == {} and definition["properties"]["a"] == many["a"],
    "a name that means different things is a text",
)
check(
    harness.ask(config={"libraries": ["libm.so.6"]}, describe=True)["parameters"]["additionalProperties"] is True,
    "written out: any name",
)
harness.close()
finish()
