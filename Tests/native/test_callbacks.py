"""What functions call back. test_callbacks.py HARNESS PLUGIN FIXTURE"""

from asking import CONFIG, ask, ask_list, harness, result
from harness import check, finish, refused, succeeded

LIVE = "FIX!not_given_back()->i32"
answer = ask("FIX!work(i64,callback progress(i64,i64,cstr)->i32)->i32", 1000)
check(
    result(answer, "progress") == 0
    and answer["progress"][0] == [1, 1000, "working"]
    and answer["progress"][-1] == [1000, 1000, "working"],
    f"progress: {answer['progress']}",
)
answer = ask("FIX!work(i64,callback progress(i64,i64,cstr)->i32)->i32", 2**40, cancelAtProgress=1)
refused(answer, "native.cancelled", "told to stop", "cancelled by progress", outcome=3)
answer = ask("FIX!slow_work(callback progress(i64,i64)->i32 stop(0) go(1))->i32", cancelAtProgress=2)
refused(answer, "native.cancelled", "told to stop", "a library that goes on with 1", outcome=3)
refused(ask(LIVE, cancelled=True), "native.cancelled", "before the function", "cancelled before", outcome=3)
refused(
    ask_list((LIVE, [], None), (LIVE, [], None), cancelled=True),
    "native.cancelled",
    "cancelled before the function",
    "a list, cancelled",
    outcome=3,
)
answer = ask("FIX!tell(callback log(cstr,f64,bool)->void)->void")
check(
    [line["message"] for line in answer["log"]][1:] == ["all is 2.5 true"] and answer["log"][1]["level"] == 2,
    f"log: {answer['log']}",
)
check(result(ask("FIX!errno_after_callback(callback collect(i32)->void)->i32"), "errno") == 5, "a callback leaves errno alone")
answer = succeeded(ask("FIX!on_a_thread(callback collect(i32)->void)->void"), "thread")
check(answer and answer["collected"] == [[[42]]], f"a callback from a thread of the library: {answer}")
answer = succeeded(ask("FIX!many(i32,callback collect(i32)->void)->void", 2000), "many")
check(answer and answer["collected"] == [[[i] for i in range(2000)]], "all calls are collected")
refused(
    ask("FIX!many(i32,callback collect(i32)->void)->void", 10**6, config=CONFIG | {"maxBytes": 65536}),
    "native.limit",
    "collected",
    "too many calls",
)

QSORT = "libc.so.6!qsort(inout {0}[],size=len(0),size,callback {1}({0}))->void"
SORTS = [
    ("i32", "compare", 4, [3, -1, 2], [-1, 2, 3]),
    ("u64", "descending", 8, ["18446744073709551615", 0, 5], ["18446744073709551615", 5, 0]),
    ("f64", "compare", 8, ["NaN", 1.5, "-Infinity"], ["-Infinity", 1.5, "NaN"]),
    ("cstr", "compare", 8, ["b", "ä", "a", ""], ["", "a", "b", "ä"]),
    (
        "{a:i8,b:{f32,bool}}",
        "compare",
        12,
        [{"a": 1, "b": [2, True]}, {"a": 1, "b": [2, False]}, {"a": 0, "b": [9, True]}],
        [{"a": 0, "b": [9, True]}, {"a": 1, "b": [2, False]}, {"a": 1, "b": [2, True]}],
    ),
    ("f32", "descending", 4, [1, 3, 2], [3, 2, 1]),
    ("enum<u8>{A=2,B=1}", "compare", 1, ["A", "B"], ["B", "A"]),
]
for element, kind, size, given, wanted in SORTS:
    output = succeeded(ask(QSORT.format(element, kind), given, size), f"qsort {element}")
    check(output and output["out"] == [wanted], f"qsort {element}: {output}")

harness.close()
finish()
