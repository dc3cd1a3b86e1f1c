"""Arguments: where they may come from, what is refused before the call. test_arguments.py HARNESS PLUGIN FIXTURE"""

import json
import sys

from harness import Harness, check, finish, refused, succeeded

harness = Harness(*sys.argv[1:3])
fixture = sys.argv[3]
CONFIG = {"libraries": ["libm.so.6", "libc.so.6", fixture]}


def ask(target, args=None, **more):
    parameters = more.pop("parameters", {})
    if args is not None:
        parameters = parameters | {"args": args if isinstance(args, str) else json.dumps(args)}
    return harness.ask(config=CONFIG, target="native:" + target.replace("FIX", fixture), parameters=parameters, **more)


# Every type has its limits, and nothing beyond them gets through.
LIMITS = {
    "i8": (-128, 127),
    "u8": (0, 255),
    "i16": (-32768, 32767),
    "u16": (0, 65535),
    "i32": (-(2**31), 2**31 - 1),
    "u32": (0, 2**32 - 1),
    "i64": (-(2**63), 2**63 - 1),
    "u64": (0, 2**64 - 1),
    "size": (0, 2**64 - 1),
}
for name, (low, high) in LIMITS.items():
    for value in (low - 1, high + 1):
        refused(
            ask(f"libc.so.6!labs({name})->i64", [str(value)]),
            "native.arguments",
            "does not fit" if value >= -(2**63) and value < 2**64 else "",
            f"{name} {value}",
        )
        refused(
            ask(f"libc.so.6!labs({name})->i64", parameters={"arg0": str(value)}), "native.arguments", "", f"arg0: {name} {value}"
        )
    for value in (low, high):
        size = 8 if name == "size" else int(name[1:]) // 8
        answer = succeeded(ask(f"libc.so.6!memcpy(out {name},in {name},size)->ptr", [str(value), size]), name)
        check(answer and int(answer["out"][0]) == value, f"{name} {value}: {answer}")

LABS = "libc.so.6!labs(i64)->i64"
WRONG = [
    (LABS, [], "argument 0 of libc.so.6!labs is missing"),
    (LABS, [1, 2], "takes 1 arguments, and 2 are given"),
    (LABS, [1.5], "whole number"),
    (LABS, ["x"], "whole number"),
    (LABS, [""], "whole number"),
    (LABS, ["1 "], "whole number"),
    (LABS, ["--1"], "whole number"),
    (LABS, [None], "whole number"),
    (LABS, [True], "whole number"),
    (LABS, [[1]], "whole number"),
    (LABS, ["0x"], "whole number"),
    (LABS, "{", "JSON array or object"),
    (LABS, "3", "JSON array or object"),
    (LABS, "[18446744073709551616]", "too big integer"),
    ("libc.so.6!labs(x:i64)->i64", {"y": 1}, "argument 0 (x)"),
    ("libc.so.6!labs(x:i64)->i64", {"x": 1, "y": 1}, 'no argument "y"'),
    ("libm.so.6!fabs(f64)->f64", ["1,5"], "a number is needed"),
    ("libm.so.6!fabs(f64)->f64", ["inf"], "a number is needed"),
    ("libm.so.6!fabsf(f32)->f32", [1e39], "does not fit f32"),
    ("libm.so.6!fabs(f64)->f64", [2**53 + 1], "more digits than f64"),
    ("libm.so.6!fabsf(f32)->f32", [2**24 + 1], "more digits than f32"),
    ("libm.so.6!fabs(bool)->f64", ["yes"], "true or false"),
    ("libm.so.6!fabs(bool)->f64", [1], "true or false"),
    ("libc.so.6!abs(enum{A=1})->i32", ["B"], 'such as "A"'),
    ("libc.so.6!abs(enum{A=1})->i32", [2], 'such as "A"'),
    ("libc.so.6!strlen(cstr)->size", [None], "null is not allowed"),
    ("libc.so.6!strlen(cstr)->size", [{"base64": "YQBi"}], "NUL byte"),
    ("libc.so.6!strlen(cstr)->size", [{"base64": "YQ"}], "base 64"),
    ("libc.so.6!strlen(cstr)->size", [{"base64": "YR=="}], "base 64"),
    ("libc.so.6!strlen(cstr)->size", [{"base64": "YWF="}], "base 64"),
    ("libc.so.6!strlen(cstr)->size", [5], "a text"),
    ("libc.so.6!strlen(cstr)->size", ["secret://other"], "is not granted, or not"),
    ("libc.so.6!strlen(ptr)->size", ["x"], "a pointer is"),
    ("libc.so.6!strlen(ptr)->size", [123456], "a pointer is"),
    ("libc.so.6!strlen(ptr)->size", [None], "the pointer is NULL"),
    ("libc.so.6!strlen(ptr)->size", [{"$": "x"}], "no earlier call"),
    ("FIX!distance({f64,f64},{f64,f64})->f64", [[1], [1, 2]], "has 2 fields"),
    ("FIX!distance({f64,f64},{f64,f64})->f64", [{}, [1, 2]], "array of its fields"),
    ("FIX!distance({x:f64,y:f64},{f64,f64})->f64", [[1, 2], [1, 2]], "object with its fields"),
    ("FIX!distance({x:f64,y:f64},{f64,f64})->f64", [{"x": 1, "z": 2}, [1, 2]], '"y" is missing'),
    ("FIX!sum(i32[]<size>)->i64", ["x"], "a JSON array"),
    ("FIX!sum(i32[]<size>)->i64", [[1, 2**31]], "/args/0/1: 2147483648 does not fit i32"),
    ("FIX!sum(i32[3],size)->i64", [[1, 2], 3], "needs 3 elements, and 2 are given"),
    ("FIX!sum(i32[$1],size)->i64", [[1, 2], 3], "needs 3 elements"),
    ("FIX!sum(i32[]<u8>)->i64", [[1] * 300], "more than the length u8"),
    ("FIX!sum(i32[]<size>)->i64", [None], "null is not allowed"),
    ("FIX!fill(out bytes[*]<size>)->size", [0], "room for 1 to"),
    ("FIX!fill(out bytes[*]<size>)->size", [-1], "does not fit"),
]
for target, args, text in WRONG:
    refused(ask(target, args), "native.arguments", text, f"{target} {args}")
answer = ask("FIX!sum(i32[]<size>)->i64", [[1, "x"]])
check(answer["pointer"] == "/args/0/1", f"the pointer to a wrong element: {answer}")
refused(ask("FIX!fill(out bytes[*]<size>)->size", [2**30]), "native.limit", "maxBytes", "a buffer over maxBytes")
refused(ask("FIX!fill(out u8[*]<size>)->size", [1000001]), "native.limit", "at most 1000000 elements", "an array that is too long")
refused(
    ask("libc.so.6!memset(out u8[600000],i32,size,...,out u8[600000])->ptr", [0, 1]),
    "native.limit",
    "1000000 elements together",
    "arrays that are too long together",
)

# From parameters, by number and by name, in any case.
GOOD = [
    ({"parameters": {"Output": "json", "args": "[-4]"}}, "libc.so.6!labs(output:i64)->i64", 4),
    ({"args": [2**53]}, "libm.so.6!fabs(f64)->f64", 2.0**53),
    ({"parameters": {"arg0": "-5"}}, LABS, 5),
    ({"parameters": {"Arg0": "0x10"}}, LABS, 16),
    ({"parameters": {"ARG0": "-7"}}, LABS, 7),
    ({"parameters": {"X": "-5"}}, "libc.so.6!labs(x:i64)->i64", 5),
    ({"args": {"x": -6}}, "libc.so.6!labs(x:i64)->i64", 6),
    ({"parameters": {"arg0": "-1.5e3"}}, "libm.so.6!fabs(f64)->f64", 1500),
    ({"parameters": {"arg0": "-Infinity"}}, "libm.so.6!fabs(f64)->f64", "Infinity"),
    ({"args": ["NaN"]}, "libm.so.6!fabs(f64)->f64", "NaN"),
    ({"parameters": {"arg0": "A"}}, "libc.so.6!abs(enum{A=-4})->i32", 4),
    ({"parameters": {"arg0": "[1,2,3]"}}, "FIX!sum(i32[]<size>)->i64", 6),
    ({"args": [[1, 2, 3], 3]}, "FIX!sum(i32[$1],size)->i64", 6),
    ({"parameters": {"arg0": '{"x":0,"y":0}', "arg1": "[3,4]"}}, "FIX!distance({x:f64,y:f64},{f64,f64})->f64", 25),
    ({"parameters": {"arg0": "grün"}}, "libc.so.6!strlen(cstr)->size", 5),
    ({"args": [{"base64": "YWJj"}]}, "libc.so.6!strlen(cstr)->size", 3),
    ({"payload": "a payload"}, "libc.so.6!strlen(cstr)->size", 9),
    ({"payload": "abc", "args": [{"payload": True}]}, "libc.so.6!strlen(cstr)->size", 3),
    ({"payload": "[-9]", "contentType": "application/json"}, LABS, 9),
    ({"payload": '{"x":-9}', "contentType": "application/json; charset=utf-8"}, "libc.so.6!labs(x:i64)->i64", 9),
    ({"parameters": {"arg0": "secret://word"}}, "libc.so.6!strlen(cstr)->size", 11),
    ({"args": ["a secret://word"]}, "libc.so.6!strlen(cstr)->size", 13),
    ({"args": [None]}, "FIX!sum(i32[]<size>?)->i64", 0),
    ({"args": [[]]}, "FIX!sum(i32[]<size>)->i64", 0),
]
for given, target, result in GOOD:
    answer = ask(target, **given) if "args" not in given else ask(target, given.pop("args"), **given)
    output = succeeded(answer, f"{target} {given}")
    check(output and output["result"] == result, f"{target} {given}: {output}")

PARAMETERS = [
    ({"parameters": {"arg0": "1", "args": "[1]"}}, LABS, "either args, or"),
    ({"parameters": {"arg0": "1", "Arg0": "1"}}, LABS, "given twice"),
    ({"parameters": {"arg1": "1"}}, LABS, "takes only 1"),
    ({"parameters": {"arg99": "1"}}, LABS, "takes only 1"),
    ({"parameters": {"arg00": "1"}}, LABS, "there is no parameter"),
    ({"parameters": {"x": "1"}}, LABS, 'there is no parameter "x"'),
    ({"parameters": {"arg0": "1", "Output": "all"}}, LABS, "Output"),
    ({"parameters": {"arg0": "1", "Output": "out0"}}, LABS, "gives 0 values"),
    ({"parameters": {"arg0": "1", "Fails": "maybe"}}, LABS, "does not say when"),
    ({"parameters": {"arg0": "1", "Fails": "< null"}}, LABS, "does not say when"),
    ({"parameters": {"arg0": "[1"}}, "FIX!sum(i32[]<size>)->i64", "must be JSON"),
]
for given, target, text in PARAMETERS:
    refused(ask(target, **given), "native.arguments", text, f"{target} {given}")
refused(ask(LABS, payload="x", parameters={"arg0": "1"}), "native.payload", "takes no bytes", "a payload that nothing takes")
refused(ask(LABS, payload="{", contentType="application/json"), "native.payload", "not a JSON array", "a payload that is not JSON")
harness.close()
finish()
