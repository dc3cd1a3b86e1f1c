"""Signatures that are refused, with what is said; and some that are taken. test_signatures.py HARNESS PLUGIN"""

import json
import random
import sys

from harness import Harness, check, finish, refused, succeeded

harness = Harness(*sys.argv[1:3])
LIBM = {"libraries": ["libm.so.6"]}

REFUSED = [
    ("fabs", "“(” is missing"),
    ("fabs(", "a type is missing"),
    ("fabs(f64", "“)” is missing"),
    ("fabs(f64)", "“->” is missing"),
    ("fabs(f64)->", "a type is missing"),
    ("fabs(f64)->f64 f64", "nothing more is expected"),
    ("fabs(f65)->f64", "a type is missing"),
    ("fabs(f64,)->f64", "a type is missing"),
    ("(f64)->f64", "the name of a function"),
    ("fabs(void)->f64", "cannot be void"),
    ("fabs({})->f64", "a type is missing"),
    ("fabs({f64)->f64", "“}” is missing"),
    ("fabs({a:f64,f64})->f64", "either all fields"),
    ("fabs({a:f64,a:f64})->f64", "is there twice"),
    ("fabs({void})->f64", "a field cannot be void"),
    ("fabs(" + "{" * 17 + "f64" + "}" * 17 + ")->f64", "at most 16 deep"),
    ("fabs({f64[0]})->f64", "from 1 to 4096"),
    ("fabs({f64[5000]})->f64", "from 1 to 4096"),
    ("fabs({{f64[2000]}[3]})->f64", "at most 4096 scalars"),
    ("fabs({" + ",".join(["i8"] * 65) + "})->f64", "at most 64 fields"),
    ("fabs(enum{})->f64", "has a name"),
    ("fabs(enum{A,A})->f64", "is there twice"),
    ("fabs(enum<f64>{A})->f64", "integer type"),
    ("fabs(enum<u8>{A=256})->f64", "does not fit u8"),
    ("fabs(enum<u8>{A=-1})->f64", "does not fit u8"),
    ("fabs(enum{A=})->f64", "whole number"),
    ("fabs(enum{A=99999999999999999999})->f64", "too large"),
    ("fabs(out bytes)->f64", "needs a size"),
    ("fabs(out f64[])->f64", "needs a size"),
    ("fabs(f64[*])->f64", "is for “out” only"),
    ("fabs(f64[$1])->f64", "does not name an integer"),
    ("fabs(f64,f64[$0])->f64", "does not name an integer"),
    ("fabs(out bytes[9]<f64>)->f64", "a length is an integer"),
    ("fabs(bytes<inout u64>)->f64", "only a length by value"),
    ("fabs(bytes<return>)->f64", "only a length by value"),
    ("fabs(out bytes[9]<return>)->f64", "needs an integer as the result"),
    ("fabs(out bytes[9]<inout u64,return>)->i32", "either by a pointer or by the result"),
    ("fabs(size=len(1))->f64", "does not name an array"),
    ("fabs(size=len(0))->f64", "does not name an array"),
    ("fabs(f64=len(0))->f64", "an integer by value"),
    ("fabs(a:f64,a:f64)->f64", "is there twice"),
    ("fabs(...)->f64", "at least one argument"),
    ("fabs(f64,...,f32)->f64", "write f64"),
    ("fabs(f64,...,i8)->f64", "write i32"),
    ("fabs(f64,...,u16)->f64", "write i32"),
    ("fabs(f64,...,bool)->f64", "write i32"),
    ("fabs(f64,...,enum<u8>{A})->f64", "write i32"),
    ("fabs(f64,...,f64,...)->f64", "a type is missing"),
    ("fabs(callback sing(i32)->void)->f64", "one of progress"),
    ("fabs(callback log(f64[])->void)->f64", "needs a size"),
    ("fabs(callback log(out f64)->void)->f64", "a callback takes values"),
    ("fabs(callback log(i32)->f64)->f64", "an integer or void"),
    ("fabs(callback compare(ptr))->f64", "nothing to compare"),
    ("fabs(callback compare(i32)->void)->f64", "returns an integer"),
    ("fabs(callback progress(i64)->i8 stop(300))->f64", "does not fit i8"),
    ("fabs(callback log(bytes[$0])->void)->f64", "is not an integer of the callback"),
    ("fabs(f64)->f64[]", "needs a size"),
    ("fabs(f64)->void[3]", "no array of void"),
    ("fabs(f64)->bytes", "“[” is missing"),
    ("fabs(f64)->f64[$0]", "does not name an integer"),
    ("fabs(f64)->cstr free()", "the name of the function"),
    ("fabs(" + ",".join(["f64"] * 65) + ")->f64", "at most 64 arguments"),
    ("fabs(" + " " * 17000 + "f64)->f64", "more than 16384 bytes"),
]
for signature, text in REFUSED:
    answer = harness.ask(config=LIBM, target=f"native:libm.so.6!{signature}")
    refused(answer, "native.signature", text.replace("“", '"').replace("”", '"'), signature[:80])

TAKEN = [
    (" fabs ( f64 ) -> f64 ", [-2], 2.0),
    ("fabs(x:f64)->f64", {"x": -3}, 3.0),
    ("ldexp(f64, enum{ONE=1, TWO})->f64", [3, "TWO"], 12.0),
    ("ldexp(f64,enum{ONE=0x1})->f64", [3, 1], 6.0),
    ("fabsf(f32)->f32", [-0.5], 0.5),
    ("lround(f64)->i64", [2.5], 3),
]
for signature, arguments, result in TAKEN:
    answer = harness.ask(config=LIBM, target=f"native:libm.so.6!{signature}", parameters={"args": json.dumps(arguments)})
    output = succeeded(answer, signature)
    check(output and output["result"] == result, f"{signature}: {output}")

# Signatures with random mistakes: refused or taken, but never more than that. No such function is there, so none is called.
rng = random.Random(5)
SEEDS = [
    "nowhere(f64,out i32,inout {a:i8,b:{f32,bool}[2]},enum<u8>{A=1,B},cstr?,ptr<db>?)->{i32,f64}",
    "nowhere(out bytes[*]<inout u64>,bytes<u32>?,data,i32[3],f64[$7],size=len(0),in cstr,u64)->cstr free(free)",
    "nowhere(i32,...,f64,callback collect(ptr,i32,cstr[$1])->i32,callback progress(i64)->i32 stop(0) go(1),callback compare({i8,f64}))->bytes[$0]",
    "nowhere(out cstr[64]<size,return>,out cstr free(x),callback log(in f64,bytes[4])->void)->i64",
]
counts = {"native.signature": 0, "native.symbol": 0}
for _ in range(10000):
    text = list(rng.choice(SEEDS))
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(8, len(text))
        text[at : at + rng.randint(0, 2)] = rng.choice(
            ["", rng.choice("(){}[]<>,:$*?.-=0129aiuf "), rng.choice(SEEDS)[rng.randrange(8, 40) :][: rng.randint(1, 12)]]
        )
    answer = harness.ask(config=LIBM, target="native:libm.so.6!" + "".join(text))
    if answer.get("code") == "native.arguments":  # what is missing is seen before what is not there
        answer["code"] = "native.symbol"
    if not answer.get("code") in counts:
        check(False, f"{''.join(text)}: {answer}")
    else:
        counts[answer["code"]] += 1
check(min(counts.values()) > 300, f"some are right and some are wrong: {counts}")
harness.close()
finish()
