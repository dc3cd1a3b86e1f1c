"""What comes back: buffers, texts, raw outputs and artefacts; and libraries that are not there. test_results.py HARNESS PLUGIN FIXTURE"""

import base64
import os

from asking import CONFIG, ask, b64, fixture, harness, result
from harness import check, finish, refused, succeeded

FILL = "FIX!fill(out bytes[{0}]<size,return>)->size"
for room, text in [(3, b"hel"), (5, b"hello"), (9, b"hello")]:
    output = succeeded(ask(FILL.format(room)), "fill")
    check(
        output and output["out"] == [b64(text)] and output["result"] == 5, f"a returned length is cut to the room: {room} {output}"
    )
for said, length in [(-5, 0), (0, 0), (1, 1), (999, 4)]:
    output = succeeded(ask("FIX!strange_length(out bytes[4]<out i64>,i64)->i32", said), "strange length")
    check(output and len(base64.b64decode(output["out"][0]["base64"])) == length, f"a length of {said}: {output}")
refused(ask("FIX!overrun(out bytes[32])->void"), "native.overrun", "past the end", "a function that writes too much")
check(result(ask("FIX!garbage()->cstr"), "garbage") == b64(b"caf\xe9"), "text that is not UTF-8 comes as base 64")
refused(
    ask("FIX!without_end()->cstr", config=CONFIG | {"maxBytes": 4096}),
    "native.result",
    "no end within the 4096 bytes",
    "text without end",
)
check(result(ask("FIX!nothing()->cstr"), "null") is None and result(ask("FIX!nothing()->i32[3]"), "null") is None, "NULL is null")
check(
    result(ask("FIX!largest()->u64"), "largest") == "18446744073709551615" and result(ask("FIX!largest()->i64"), "signed") == -1,
    "above 2^63",
)
check(result(ask("FIX!area(f64,f64)->f64", 2, 3), "area") == 6, "area")
output = succeeded(
    ask("libc.so.6!memchr(bytes,i32)->bytes[2]".replace("bytes,i32", "data,i32,size"), "xabc", 97, 4), "returned bytes"
)
check(output and output["result"] == b64(b"ab"), f"a returned array: {output}")
answer = ask("FIX!every_byte(out bytes[*]<size>)->void", 300, parameters={"Output": "out0"})
check(
    answer["contentType"] == "application/octet-stream"
    and answer["outputBytes"] == 300
    and bytes.fromhex(answer["output"]["hex"]) == bytes(i * 7 % 256 for i in range(300)),
    "raw bytes",
)
answer = ask("libc.so.6!getenv(cstr)->cstr", "HOME", parameters={"Output": "result"})
check(answer["output"] == os.environ["HOME"] and answer["contentType"].startswith("text/plain"), f"raw text: {answer}")
answer = ask("FIX!every_byte(out bytes[*]<size>)->void", 3000000, parameters={"Output": "out0"}, busy=3)
check(
    answer["outcome"] == 0
    and answer["artefactBytes"] == 3000000
    and answer["outputBytes"] == 0
    and answer["metadata"]["artefact"] == "output",
    f"an artefact: {answer}",
)
answer = ask("FIX!every_byte(out bytes[*]<size>)->void", 1000000)
check(
    answer["outcome"] == 0
    and answer["artefactBytes"] > 1333333
    and answer["artefact"].startswith('{"result":null,"out":[{"base64":"'),
    f"a JSON artefact: {answer}",
)
refused(
    ask("FIX!every_byte(out bytes[*]<size>)->void", 2000000, noArtefacts=True), "native.output", "does not take", "no artefacts"
)

refused(
    ask("FIX!every_byte(out bytes[*]<size>)->void", 2000000, cancelWhenBusy=True),
    "native.cancelled",
    "while its output",
    "cancelled while there is no room",
    outcome=3,
)
output = succeeded(ask("libc.so.6!memset(out bool,i32,size)->ptr", 2, 1), "a bool of 2")
check(output and output["out"] == [True], f"whatever is not 0 is true: {output}")

# Libraries and symbols.
refused(
    harness.ask(target="native:libm.so.6!pow(f64,f64)->f64"),
    "native.denied",
    "none is, until an operator",
    "nothing is allowed by default",
)
refused(ask("libm.so.6!fabs(f64)->f64", 1), "native.denied", 'not in "libraries"', "another library")
refused(
    harness.ask(config={"libraries": ["libnowhere.so.1"]}, target="native:libnowhere.so.1!f()->void"),
    "native.library",
    "cannot open shared object file",
    "no library",
)
refused(ask("FIX!nowhere()->void"), "native.symbol", f"{fixture} has no function", "no symbol")
refused(ask("FIX!system(cstr)->i32", "true"), "native.symbol", "is one of", "a function of a library behind it")
refused(ask("FIX!some_data()->i32"), "native.symbol", "is data", "data")
refused(harness.ask(config=CONFIG, target="native:"), "native.target", "no function is named", "no target")

# Older versions of libffi lose the float in front of such a struct (its issue 574).
answer = ask("FIX!last_register(i8,i8,i8,i8,i8,f32,{i64,f32})->f64", 1, 2, 3, 4, 5, 1000.5, [7, 0.25])
check(result(answer, "last register") == 1007.75, f"a struct in the last register: {answer}")
harness.close()
finish()
