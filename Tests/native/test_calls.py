"""Lists of calls, callbacks, failures and outputs. test_calls.py HARNESS PLUGIN FIXTURE"""
import base64
import errno
import json
import os
import sys

from harness import Harness, check, finish, refused, succeeded

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


# Handles: pointers go from call to call and never out of the job.
NEW, ADD, FREE = "FIX!counter_new(i32)->ptr<counter>", "FIX!counter_add(ptr<counter>,i32)->i32", "FIX!counter_free(ptr<counter>)->void"
LIVE = "FIX!not_given_back()->i32"
output = succeeded(ask_list((NEW, [5], "c"), (ADD, [{"$": "c"}, 3], "sum"), (ADD, [{"$": "c.result"}, {"$": "sum"}], None), (FREE, [{"$": "c"}], None)), "handles")
check(output and [call["result"] for call in output["calls"]] == [{"handle": "c.result"}, 8, 16, None], f"handles: {output}")
check("0x" not in json.dumps(output) and output["calls"][0]["as"] == "c", f"no address in a result: {output}")
refused(ask(ADD, {"$": "c"}, 1), "native.arguments", "no earlier call gave a pointer", "a handle of another job")
refused(ask_list((NEW, [5], "c"), ("FIX!counter_add(ptr<other>,i32)->i32", [{"$": "c"}, 1], None), (FREE, [{"$": "c"}], None, None, True)), "native.arguments",
        'call 1 (', "a handle of another type")
refused(ask_list(("FIX!nothing()->ptr", [], "n"), (ADD, [{"$": "n"}, 1], None)), "native.arguments", "the pointer is NULL", "a handle that is NULL")
check(result(ask(LIVE), "live") == 0, "`always` gives back what was taken also after a failure")
# By a pointer to a pointer; the only one needs no index.
output = succeeded(ask_list(("FIX!made_into(cstr,out cstr free(give_back))->void", ["two"], "m"), ("libc.so.6!strlen(cstr)->size", [{"$": "m.out.0"}], None)), "out cstr")
check(output and output["calls"][0]["out"] == ["two"] and output["calls"][1]["result"] == 3 and result(ask(LIVE), "live") == 0, f"out cstr: {output}")
check(result(ask("FIX!made_text(cstr)->cstr free(give_back)", "mine"), "cstr") == "mine" and result(ask(LIVE), "live") == 0, "a returned text is freed as declared")
refused(ask("FIX!made_text(cstr)->cstr free(system)", "true"), "native.symbol", "is not a function of", "free by another library's function")
check(result(ask(LIVE), "live") == 0, "what frees is looked for before the call")

WRONG_LISTS = [
    ([], "1 to 256 calls"), ([{"call": "x"}], 'no function "x"'), ([{"args": []}], '"call" is missing'), (["x"], "a call is an object"),
    ([{"call": LIVE, "more": 1}], "and nothing else"), ([{"call": LIVE, "as": "a b"}], "letters, digits"), ([{"call": LIVE, "as": 5}], "letters, digits"),
    ([{"call": LIVE, "as": "a"}, {"call": LIVE, "as": "a"}], "same name"), ([{"call": LIVE, "always": "yes"}], "true or false"),
    ([{"call": LIVE, "fails": 0}], "a text such as"), ([{"call": LIVE, "fails": "~ 0"}], "does not say when"), ([{"call": LIVE, "args": 5}], "is an array"),
    ([{"call": LIVE, "args": [1]}], "takes 0 arguments"), ([{"call": LIVE}] * 257, "1 to 256 calls"),
]
for calls, text in WRONG_LISTS:
    payload = json.dumps({"calls": calls}).replace("FIX", fixture)
    answer = harness.ask(config=CONFIG, target="native:", payload=payload)
    code = "native.denied" if "no function" in text else "native.arguments" if "takes 0" in text else "native.payload"
    refused(answer, code, text, f"list {calls if len(calls) < 5 else len(calls)}")
refused(harness.ask(config=CONFIG, payload="[1]"), "native.payload", 'the payload {"calls"', "a payload that is no list")
refused(harness.ask(config=CONFIG, payload="{calls"), "native.payload", "not JSON (line 1)", "a payload that is no JSON")
refused(ask_list((LIVE, [], None), parameters={"arg0": "1"}), "native.arguments", "takes no parameters", "a list with parameters")
refused(ask_list((LIVE, [], "x"), ("libc.so.6!nowhere()->i32", [], None)), "native.symbol", "has no function", "nothing is called before all is there")
refused(ask_list(("libc.so.6!abs(i32)->i32", [{"$": "later"}], None), (LIVE, [], "later")), "native.arguments", "no earlier value", "a reference to what comes later")

# Failures: which results they are, what errno makes of them.
FAILS = "FIX!fails_with(i32)->i32"
check(result(ask(FAILS, errno.ENOENT), "undeclared") == -1, "without a declaration nothing is a failure")
refused(ask(FAILS, errno.ENOENT, parameters={"Fails": "< 0, errno"}), "native.errno.enoent", "No such file or directory (ENOENT)", "errno")
refused(ask(FAILS, errno.EAGAIN, parameters={"Fails": "== -1, errno"}), "native.errno.eagain", "which is declared a failure (== -1)", "errno that passes", outcome=1)
refused(ask(FAILS, 4095, parameters={"Fails": "<0,errno"}), "native.errno.4095", "an error", "errno without a name")
refused(ask(FAILS, errno.EAGAIN, parameters={"Fails": "!= 0"}), "native.failed", "returned -1", "without errno")
refused(ask("FIX!nothing()->ptr", parameters={"Fails": "== null"}), "native.failed", "returned null", "null")
refused(ask("FIX!not_a_number()->f64", parameters={"Fails": "== nan"}), "native.failed", 'returned "NaN"', "nan")
refused(ask("FIX!largest()->u64", parameters={"Fails": "> 5"}), "native.failed", "18446744073709551615", "a large result")
refused(ask("FIX!largest()->u64", parameters={"Fails": "== null"}), "native.signature", "cannot be said", "null of a number")
refused(ask("FIX!nothing()->ptr", parameters={"Fails": "< 0"}), "native.signature", "a pointer", "a number of a pointer")
for condition, fails in [("== 5", True), ("!= 5", False), ("< 5", False), ("<= 5", True), ("> 4", True), (">= 6", False), ("== 4.5", False)]:
    answer = ask("libc.so.6!abs(i32)->i32", -5, parameters={"Fails": condition})
    check((answer["outcome"] == 2) == fails, f"5 {condition}: {answer}")
answer = ask_list((NEW, [1], "c"), (FAILS, [errno.EBUSY], None, "< 0, errno"), (ADD, [{"$": "c"}, 1], None), (FREE, [{"$": "c"}], None, None, True))
refused(answer, "native.errno.ebusy", "call 1 (", "a failure in a list", outcome=1)
check([call["result"] for call in answer["details"]["calls"]] == [{"handle": "c.result"}, -1, None], f"what was done so far: {answer['details']}")
check([line["function"].split("!")[1] for line in answer["log"]] == ["counter_new", "fails_with", "counter_free"] and result(ask(LIVE), "live") == 0,
      f"the rest is left out, `always` runs: {answer['log']}")
check(answer["log"][0]["level"] == 2 and ask(LIVE)["log"][0] == {"level": 1, "message": "calling", "function": f"{fixture}!not_given_back"}, "what is logged")

# Callbacks.
answer = ask("FIX!work(i64,callback progress(i64,i64,cstr)->i32)->i32", 1000)
check(result(answer, "progress") == 0 and answer["progress"][0] == [1, 1000, "working"] and answer["progress"][-1] == [1000, 1000, "working"], f"progress: {answer['progress']}")
answer = ask("FIX!work(i64,callback progress(i64,i64,cstr)->i32)->i32", 2**40, cancelAtProgress=1)
refused(answer, "native.cancelled", "told to stop", "cancelled by progress", outcome=3)
answer = ask("FIX!slow_work(callback progress(i64,i64)->i32 stop(0) go(1))->i32", cancelAtProgress=2)
refused(answer, "native.cancelled", "told to stop", "a library that goes on with 1", outcome=3)
refused(ask(LIVE, cancelled=True), "native.cancelled", "before the function", "cancelled before", outcome=3)
refused(ask_list((LIVE, [], None), (LIVE, [], None), cancelled=True), "native.cancelled", "cancelled before the function", "a list, cancelled", outcome=3)
answer = ask("FIX!tell(callback log(cstr,f64,bool)->void)->void")
check([line["message"] for line in answer["log"]][1:] == ["all is 2.5 true"] and answer["log"][1]["level"] == 2, f"log: {answer['log']}")
check(result(ask("FIX!errno_after_callback(callback collect(i32)->void)->i32"), "errno") == 5, "a callback leaves errno alone")
answer = succeeded(ask("FIX!on_a_thread(callback collect(i32)->void)->void"), "thread")
check(answer and answer["collected"] == [[[42]]], f"a callback from a thread of the library: {answer}")
answer = succeeded(ask("FIX!many(i32,callback collect(i32)->void)->void", 2000), "many")
check(answer and answer["collected"] == [[[i] for i in range(2000)]], "all calls are collected")
refused(ask("FIX!many(i32,callback collect(i32)->void)->void", 10**6, config=CONFIG | {"maxBytes": 65536}), "native.limit", "collected", "too many calls")

QSORT = "libc.so.6!qsort(inout {0}[],size=len(0),size,callback {1}({0}))->void"
SORTS = [("i32", "compare", 4, [3, -1, 2], [-1, 2, 3]), ("u64", "descending", 8, ["18446744073709551615", 0, 5], ["18446744073709551615", 5, 0]),
         ("f64", "compare", 8, ["NaN", 1.5, "-Infinity"], ["-Infinity", 1.5, "NaN"]), ("cstr", "compare", 8, ["b", "ä", "a", ""], ["", "a", "b", "ä"]),
         ("{a:i8,b:{f32,bool}}", "compare", 12, [{"a": 1, "b": [2, True]}, {"a": 1, "b": [2, False]}, {"a": 0, "b": [9, True]}],
          [{"a": 0, "b": [9, True]}, {"a": 1, "b": [2, False]}, {"a": 1, "b": [2, True]}]),
         ("f32", "descending", 4, [1, 3, 2], [3, 2, 1]), ("enum<u8>{A=2,B=1}", "compare", 1, ["A", "B"], ["B", "A"])]
for element, kind, size, given, wanted in SORTS:
    output = succeeded(ask(QSORT.format(element, kind), given, size), f"qsort {element}")
    check(output and output["out"] == [wanted], f"qsort {element}: {output}")

# Outputs.
FILL = "FIX!fill(out bytes[{0}]<size,return>)->size"
b64 = lambda text: {"base64": base64.b64encode(text).decode()}
for room, text in [(3, b"hel"), (5, b"hello"), (9, b"hello")]:
    output = succeeded(ask(FILL.format(room)), "fill")
    check(output and output["out"] == [b64(text)] and output["result"] == 5, f"a returned length is cut to the room: {room} {output}")
for said, length in [(-5, 0), (0, 0), (1, 1), (999, 4)]:
    output = succeeded(ask("FIX!strange_length(out bytes[4]<out i64>,i64)->i32", said), "strange length")
    check(output and len(base64.b64decode(output["out"][0]["base64"])) == length, f"a length of {said}: {output}")
refused(ask("FIX!overrun(out bytes[32])->void"), "native.overrun", "past the end", "a function that writes too much")
check(result(ask("FIX!garbage()->cstr"), "garbage") == b64(b"caf\xe9"), "text that is not UTF-8 comes as base 64")
refused(ask("FIX!without_end()->cstr", config=CONFIG | {"maxBytes": 4096}), "native.result", "no end within the 4096 bytes", "text without end")
check(result(ask("FIX!nothing()->cstr"), "null") is None and result(ask("FIX!nothing()->i32[3]"), "null") is None, "NULL is null")
check(result(ask("FIX!largest()->u64"), "largest") == "18446744073709551615" and result(ask("FIX!largest()->i64"), "signed") == -1, "above 2^63")
check(result(ask("FIX!area(f64,f64)->f64", 2, 3), "area") == 6, "area")
output = succeeded(ask("libc.so.6!memchr(bytes,i32)->bytes[2]".replace("bytes,i32", "data,i32,size"), "xabc", 97, 4), "returned bytes")
check(output and output["result"] == b64(b"ab"), f"a returned array: {output}")
answer = ask("FIX!every_byte(out bytes[*]<size>)->void", 300, parameters={"Output": "out0"})
check(answer["contentType"] == "application/octet-stream" and answer["outputBytes"] == 300 and bytes.fromhex(answer["output"]["hex"]) == bytes(i * 7 % 256 for i in range(300)), "raw bytes")
answer = ask("libc.so.6!getenv(cstr)->cstr", "HOME", parameters={"Output": "result"})
check(answer["output"] == os.environ["HOME"] and answer["contentType"].startswith("text/plain"), f"raw text: {answer}")
answer = ask("FIX!every_byte(out bytes[*]<size>)->void", 3000000, parameters={"Output": "out0"}, busy=3)
check(answer["outcome"] == 0 and answer["artefactBytes"] == 3000000 and answer["outputBytes"] == 0 and answer["metadata"]["artefact"] == "output", f"an artefact: {answer}")
answer = ask("FIX!every_byte(out bytes[*]<size>)->void", 1000000)
check(answer["outcome"] == 0 and answer["artefactBytes"] > 1333333 and answer["artefact"].startswith('{"result":null,"out":[{"base64":"'), f"a JSON artefact: {answer}")
refused(ask("FIX!every_byte(out bytes[*]<size>)->void", 2000000, noArtefacts=True), "native.output", "does not take", "no artefacts")

refused(ask("FIX!every_byte(out bytes[*]<size>)->void", 2000000, cancelWhenBusy=True), "native.cancelled", "while its output", "cancelled while there is no room", outcome=3)
output = succeeded(ask("libc.so.6!memset(out bool,i32,size)->ptr", 2, 1), "a bool of 2")
check(output and output["out"] == [True], f"whatever is not 0 is true: {output}")

# Libraries and symbols.
refused(harness.ask(target="native:libm.so.6!pow(f64,f64)->f64"), "native.denied", "none is, until an operator", "nothing is allowed by default")
refused(ask("libm.so.6!fabs(f64)->f64", 1), "native.denied", 'not in "libraries"', "another library")
refused(harness.ask(config={"libraries": ["libnowhere.so.1"]}, target="native:libnowhere.so.1!f()->void"), "native.library", "cannot open shared object file", "no library")
refused(ask("FIX!nowhere()->void"), "native.symbol", f"{fixture} has no function", "no symbol")
refused(ask("FIX!system(cstr)->i32", "true"), "native.symbol", "is one of", "a function of a library behind it")
refused(ask("FIX!some_data()->i32"), "native.symbol", "is data", "data")
refused(harness.ask(config=CONFIG, target="native:"), "native.target", "no function is named", "no target")
harness.close()
finish()
