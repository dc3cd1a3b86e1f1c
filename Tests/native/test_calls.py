"""Lists of calls, the pointers that go from one to the next, and failures. test_calls.py HARNESS PLUGIN FIXTURE"""

import errno
import json
import random

from asking import CONFIG, ask, ask_list, fixture, harness, result
from harness import check, finish, refused, succeeded

# Handles: pointers go from call to call and never out of the job.
NEW, ADD, FREE = (
    "FIX!counter_new(i32)->ptr<counter>",
    "FIX!counter_add(ptr<counter>,i32)->i32",
    "FIX!counter_free(ptr<counter>)->void",
)
LIVE = "FIX!not_given_back()->i32"
output = succeeded(
    ask_list(
        (NEW, [5], "c"), (ADD, [{"$": "c"}, 3], "sum"), (ADD, [{"$": "c.result"}, {"$": "sum"}], None), (FREE, [{"$": "c"}], None)
    ),
    "handles",
)
check(output and [call["result"] for call in output["calls"]] == [{"handle": "c.result"}, 8, 16, None], f"handles: {output}")
check("0x" not in json.dumps(output) and output["calls"][0]["as"] == "c", f"no address in a result: {output}")
refused(ask(ADD, {"$": "c"}, 1), "native.arguments", "no earlier call gave a pointer", "a handle of another job")
refused(
    ask_list(
        (NEW, [5], "c"), ("FIX!counter_add(ptr<other>,i32)->i32", [{"$": "c"}, 1], None), (FREE, [{"$": "c"}], None, None, True)
    ),
    "native.arguments",
    "call 1 (",
    "a handle of another type",
)
refused(
    ask_list(("FIX!nothing()->ptr", [], "n"), (ADD, [{"$": "n"}, 1], None)),
    "native.arguments",
    "the pointer is NULL",
    "a handle that is NULL",
)
check(result(ask(LIVE), "live") == 0, "`always` gives back what was taken also after a failure")
# By a pointer to a pointer; the only one needs no index.
output = succeeded(
    ask_list(
        ("FIX!made_into(cstr,out cstr free(give_back))->void", ["two"], "m"),
        ("libc.so.6!strlen(cstr)->size", [{"$": "m.out.0"}], None),
    ),
    "out cstr",
)
check(
    output and output["calls"][0]["out"] == ["two"] and output["calls"][1]["result"] == 3 and result(ask(LIVE), "live") == 0,
    f"out cstr: {output}",
)
check(
    result(ask("FIX!made_text(cstr)->cstr free(give_back)", "mine"), "cstr") == "mine" and result(ask(LIVE), "live") == 0,
    "a returned text is freed as declared",
)
refused(
    ask("FIX!made_text(cstr)->cstr free(system)", "true"),
    "native.symbol",
    "is not a function of",
    "free by another library's function",
)
check(result(ask(LIVE), "live") == 0, "what frees is looked for before the call")

WRONG_LISTS = [
    ([], "1 to 256 calls"),
    ([{"call": "x"}], 'no function "x"'),
    ([{"args": []}], '"call" is missing'),
    (["x"], "a call is an object"),
    ([{"call": LIVE, "more": 1}], "and nothing else"),
    ([{"call": LIVE, "as": "a b"}], "letters, digits"),
    ([{"call": LIVE, "as": 5}], "letters, digits"),
    ([{"call": LIVE, "as": "a"}, {"call": LIVE, "as": "a"}], "same name"),
    ([{"call": LIVE, "always": "yes"}], "true or false"),
    ([{"call": LIVE, "fails": 0}], "a text such as"),
    ([{"call": LIVE, "fails": "~ 0"}], "does not say when"),
    ([{"call": LIVE, "args": 5}], "is an array"),
    ([{"call": LIVE, "args": [1]}], "takes 0 arguments"),
    ([{"call": LIVE}] * 257, "1 to 256 calls"),
]
for calls, text in WRONG_LISTS:
    payload = json.dumps({"calls": calls}).replace("FIX", fixture)
    answer = harness.ask(config=CONFIG, target="native:", payload=payload)
    code = "native.denied" if "no function" in text else "native.arguments" if "takes 0" in text else "native.payload"
    refused(answer, code, text, f"list {calls if len(calls) < 5 else len(calls)}")
refused(harness.ask(config=CONFIG, payload="[1]"), "native.payload", 'the payload {"calls"', "a payload that is no list")
refused(harness.ask(config=CONFIG, payload="{calls"), "native.payload", "not JSON (line 1)", "a payload that is no JSON")
refused(ask_list((LIVE, [], None), parameters={"arg0": "1"}), "native.arguments", "takes no parameters", "a list with parameters")
refused(
    ask_list((LIVE, [], "x"), ("libc.so.6!nowhere()->i32", [], None)),
    "native.symbol",
    "has no function",
    "nothing is called before all is there",
)
refused(
    ask_list(("libc.so.6!abs(i32)->i32", [{"$": "later"}], None), (LIVE, [], "later")),
    "native.arguments",
    "no earlier value",
    "a reference to what comes later",
)

# What a function gave is never taken for a reference to a secret.
encoded = {"base64": "c2VjcmV0Oi8vd29yZA=="}
for length in ("strlen(cstr)", "strnlen(bytes)"):
    output = succeeded(
        ask_list(("FIX!made_text(cstr)->cstr free(give_back)", [encoded], "t"), (f"libc.so.6!{length}->size", [{"$": "t"}], None)),
        length,
    )
    check(output and output["calls"][1]["result"] == len("secret://word"), f"{length}: {output}")

# Lists of anything: refused or done, but never more than that. The functions can do no harm with any number.
rng = random.Random(11)
ANYTHING = [
    None,
    True,
    -1,
    2**62,
    0.5,
    "",
    "x",
    [],
    {},
    [1],
    {"$": "a"},
    {"$": "a.out.0"},
    {"$": 5},
    {"base64": "AA=="},
    {"payload": True},
    [[[]]],
    {"x": 1},
]
FUNCTIONS = [
    ("libc.so.6!labs(x:i64)->i64", 1),
    ("libc.so.6!toupper(i32)->i32", 1),
    ("libc.so.6!div(i32,enum{ONE=1})->{quot:i32,rem:i32}", 2),
    (LIVE, 0),
]
outcomes = [0, 0, 0]
for _ in range(3000):
    calls = []
    for name in "abcd"[: rng.randint(1, 4)]:
        function, count = rng.choice(FUNCTIONS)
        args = [rng.choice(ANYTHING) if rng.random() < 0.2 else 1 for _ in range(count)]
        call = {"call": function, "args": args, "as": name}
        call |= {"fails": rng.choice(["== 0", "< 0, errno", "!= 0"])} if rng.random() < 0.3 else {}
        for _ in range(rng.choice([0, 0, 0, 0, 0, 1, 2])):
            call[rng.choice(["call", "args", "as", "fails", "always", "x"])] = rng.choice(ANYTHING)
        calls.append(call)
    answer = harness.ask(config=CONFIG, payload=json.dumps({"calls": calls}).replace("FIX", fixture))
    if answer.get("outcome") not in (0, 1, 2) or (answer["outcome"] != 0 and not answer["code"].startswith("native.")):
        check(False, f"{calls}: {answer}")
    else:
        outcomes[answer["outcome"]] += 1
check(outcomes[0] > 100 and outcomes[2] > 100, f"some are right and some are wrong: {outcomes}")

# A job of no type and no target is taken only if it is such a list.
for target, payload, taken in [
    ("native:x", "", 1),
    ("native", "", 0),
    ("http://x", '{"calls"', 0),
    ("", "", 0),
    ("", ' {"calls":[]}', 1),
    ("", '{"a":1}', 0),
    ("", '["calls"]', 0),
]:
    check(harness.ask(wouldTake=True, target=target, payload=payload) == taken, f"would take {target!r} {payload!r}")

# Failures: which results they are, what errno makes of them.
FAILS = "FIX!fails_with(i32)->i32"
check(result(ask(FAILS, errno.ENOENT), "undeclared") == -1, "without a declaration nothing is a failure")
refused(
    ask(FAILS, errno.ENOENT, parameters={"Fails": "< 0, errno"}),
    "native.errno.enoent",
    "No such file or directory (ENOENT)",
    "errno",
)
refused(
    ask(FAILS, errno.EAGAIN, parameters={"Fails": "== -1, errno"}),
    "native.errno.eagain",
    "which is declared a failure (== -1)",
    "errno that passes",
    outcome=1,
)
refused(ask(FAILS, 4095, parameters={"Fails": "<0,errno"}), "native.errno.4095", "an error", "errno without a name")
refused(ask(FAILS, errno.EAGAIN, parameters={"Fails": "!= 0"}), "native.failed", "returned -1", "without errno")
refused(ask("FIX!nothing()->ptr", parameters={"Fails": "== null"}), "native.failed", "returned null", "null")
refused(ask("FIX!not_a_number()->f64", parameters={"Fails": "== nan"}), "native.failed", 'returned "NaN"', "nan")
refused(ask("FIX!largest()->u64", parameters={"Fails": "> 5"}), "native.failed", "18446744073709551615", "a large result")
refused(ask("FIX!largest()->u64", parameters={"Fails": "== null"}), "native.signature", "cannot be said", "null of a number")
refused(ask("FIX!nothing()->ptr", parameters={"Fails": "< 0"}), "native.signature", "a pointer", "a number of a pointer")
for condition, fails in [
    ("== 5", True),
    ("!= 5", False),
    ("< 5", False),
    ("<= 5", True),
    ("> 4", True),
    (">= 6", False),
    ("== 4.5", False),
]:
    answer = ask("libc.so.6!abs(i32)->i32", -5, parameters={"Fails": condition})
    check((answer["outcome"] == 2) == fails, f"5 {condition}: {answer}")
answer = ask_list(
    (NEW, [1], "c"),
    (FAILS, [errno.EBUSY], None, "< 0, errno"),
    (ADD, [{"$": "c"}, 1], None),
    (FREE, [{"$": "c"}], None, None, True),
)
refused(answer, "native.errno.ebusy", "call 1 (", "a failure in a list", outcome=1)
check(
    [call["result"] for call in answer["details"]["calls"]] == [{"handle": "c.result"}, -1, None],
    f"what was done so far: {answer['details']}",
)
check(
    [line["function"].split("!")[1] for line in answer["log"]] == ["counter_new", "fails_with", "counter_free"]
    and result(ask(LIVE), "live") == 0,
    f"the rest is left out, `always` runs: {answer['log']}",
)
check(
    answer["log"][0]["level"] == 2
    and ask(LIVE)["log"][0] == {"level": 1, "message": "calling", "function": f"{fixture}!not_given_back"},
    "what is logged",
)

harness.close()
finish()
