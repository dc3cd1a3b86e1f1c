"""Real libraries: the same calls by native and by ctypes. test_libraries.py HARNESS PLUGIN"""

import base64
import ctypes
import hashlib
import json
import math
import random
import sys
import zlib

from harness import Harness, check, finish, succeeded

harness = Harness(*sys.argv[1:3])
rng = random.Random(7)
NAMES = ["libm.so.6", "libz.so.1", "libcrypto.so.3", "libsqlite3.so.0"]
CONFIG = {"libraries": NAMES}
libm, libz, libcrypto, libsqlite = (ctypes.CDLL(name) for name in NAMES)
b64 = lambda data: {"base64": base64.b64encode(data).decode()}


def call(target, *args):
    return (
        succeeded(
            harness.ask(config=CONFIG, target=f"native:{target}", parameters={"args": json.dumps(list(args))}), f"{target} {args}"
        )
        or {}
    )


def number(value):
    return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN" if value != value else value)


# libm: every function of one and of two doubles, at ordinary and at odd places.
PLACES = [0.0, -0.0, 1.0, -1.5, 0.5, 1e300, -1e-300, math.inf, -math.inf] + [rng.uniform(-20, 20) for _ in range(3)]
for (
    name
) in "acos acosh asin asinh atan atanh cbrt ceil cos cosh erf erfc exp exp2 expm1 fabs floor lgamma log log10 log1p log2 logb rint round sin sinh sqrt tan tanh tgamma trunc".split():
    function = libm[name]
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double]
    good = all(call(f"libm.so.6!{name}(f64)->f64", number(place)).get("result") == number(function(place)) for place in PLACES)
    check(good, f"libm {name}")
for name in "atan2 copysign fdim fmax fmin fmod hypot nextafter pow remainder".split():
    function = libm[name]
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * 2
    pairs = [(rng.choice(PLACES), rng.choice(PLACES)) for _ in range(8)]
    check(
        all(
            call(f"libm.so.6!{name}(f64,f64)->f64", number(a), number(b)).get("result") == number(function(a, b)) for a, b in pairs
        ),
        f"libm {name}",
    )
libm.sinf.restype, libm.sinf.argtypes = ctypes.c_float, [ctypes.c_float]
check(call("libm.so.6!sinf(f32)->f32", 0.5).get("result") == libm.sinf(0.5), "sinf")
check(call("libm.so.6!frexp(f64,out i32)->f64", 12.5) == {"result": 0.78125, "out": [4], "errno": 0}, "frexp")
quotient = ctypes.c_int()
libm.remquo.restype, libm.remquo.argtypes = ctypes.c_double, [ctypes.c_double, ctypes.c_double, ctypes.POINTER(ctypes.c_int)]
rest = libm.remquo(29.0, 3.0, quotient)
check(call("libm.so.6!remquo(f64,f64,out i32)->f64", 29.0, 3.0) == {"result": rest, "out": [quotient.value], "errno": 0}, "remquo")
check(call("libm.so.6!log(f64)->f64", -1) == {"result": "NaN", "out": [], "errno": 33}, "errno of log(-1) is EDOM")

# libz.
libz.compressBound.restype, libz.compressBound.argtypes = ctypes.c_ulong, [ctypes.c_ulong]
libz.crc32.restype, libz.crc32.argtypes = ctypes.c_ulong, [ctypes.c_ulong, ctypes.c_char_p, ctypes.c_uint]
for size in (0, 1, 100, 65536, 10**9):
    check(call("libz.so.1!compressBound(u64)->u64", size).get("result") == libz.compressBound(size), f"compressBound {size}")
for size in (0, 1, 1000, 100000):
    data = bytes(rng.randrange(64) for _ in range(size))
    seed = rng.randrange(2**32)
    result = call("libz.so.1!crc32(u64,bytes<u32>)->u64", seed, b64(data)).get("result")
    check(result == libz.crc32(seed, data, len(data)) == zlib.crc32(data, seed), f"crc32 {size}")
    bound = libz.compressBound(size)
    answer = call("libz.so.1!compress2(out bytes[*]<inout u64>,bytes<u64>,i32)->i32", bound, b64(data), 9)
    room, length = ctypes.create_string_buffer(bound), ctypes.c_ulong(bound)
    libz.compress2(room, ctypes.byref(length), ctypes.c_char_p(data), ctypes.c_ulong(size), 9)
    packed = base64.b64decode(answer["out"][0]["base64"])
    check(answer["result"] == 0 and packed == room.raw[: length.value] and zlib.decompress(packed) == data, f"compress2 {size}")
    answer = call("libz.so.1!uncompress(out bytes[*]<inout u64>,bytes<u64>)->i32", max(size, 1), b64(packed))
    check(answer["result"] == 0 and base64.b64decode(answer["out"][0]["base64"]) == data, f"uncompress {size}")
answer = call("libz.so.1!compress2(out bytes[4]<inout u64>,bytes<u64>,i32)->i32", "much more than four bytes", 9)
check(answer["result"] == -5, f"compress2 without room: Z_BUF_ERROR {answer}")
libz.zlibVersion.restype = ctypes.c_char_p
check(call("libz.so.1!zlibVersion()->cstr").get("result") == libz.zlibVersion().decode(), "zlibVersion")

# libcrypto.
for size in (0, 3, 64, 100000):
    data = bytes(rng.randrange(256) for _ in range(size))
    digest = ctypes.create_string_buffer(32)
    libcrypto.SHA256(ctypes.c_char_p(data), ctypes.c_size_t(size), digest)
    answer = call("libcrypto.so.3!SHA256(bytes,out bytes[32])->ptr", b64(data))
    check(
        answer["out"] == [b64(digest.raw)] and digest.raw == hashlib.sha256(data).digest() and answer["result"] == {},
        f"SHA256 {size}",
    )
answer = call(
    "libcrypto.so.3!PKCS5_PBKDF2_HMAC_SHA1(bytes<i32>,bytes<i32>,i32,i32=len(4),out bytes[20])->i32", "password", "salt", 1000
)
check(
    answer["out"] == [b64(hashlib.pbkdf2_hmac("sha1", b"password", b"salt", 1000, 20))],
    f"PBKDF2: a length before its buffer {answer}",
)

# libsqlite3: a whole use of it in one job.
LITE = "libsqlite3.so.0!sqlite3_"
ROWS = "collect(ptr,i32,cstr[$1],cstr[$1])->i32"
answer = succeeded(
    harness.ask(
        config=CONFIG,
        target="native:",
        payload=json.dumps(
            {
                "calls": [
                    {
                        "call": LITE + "open_v2(cstr,out ptr<db>,i32,cstr?)->i32",
                        "args": [":memory:", 6, None],
                        "as": "db",
                        "fails": "!= 0",
                    },
                    {
                        "call": LITE + "exec(ptr<db>,cstr,ptr?,ptr?,out cstr free(sqlite3_free))->i32",
                        "args": [{"$": "db"}, "create table t(a integer, b text, c real, d blob)", None, None],
                        "fails": "!= 0",
                    },
                    {
                        "call": LITE + "prepare_v2(ptr<db>,cstr,i32,out ptr<stmt>,out ptr)->i32",
                        "args": [{"$": "db"}, "insert into t values(?,?,?,?)", -1],
                        "as": "put",
                        "fails": "!= 0",
                    },
                    {"call": LITE + "bind_int64(ptr<stmt>,i32,i64)->i32", "args": [{"$": "put.out.0"}, 1, 2**40], "fails": "!= 0"},
                    {
                        "call": LITE + "bind_text(ptr<stmt>,i32,bytes<i32>,ptr?)->i32",
                        "args": [{"$": "put.out.0"}, 2, "grün", None],
                        "fails": "!= 0",
                    },
                    {"call": LITE + "bind_double(ptr<stmt>,i32,f64)->i32", "args": [{"$": "put.out.0"}, 3, 2.5], "fails": "!= 0"},
                    {
                        "call": LITE + "bind_blob(ptr<stmt>,i32,bytes<i32>,ptr?)->i32",
                        "args": [{"$": "put.out.0"}, 4, b64(b"\0\1\2"), None],
                        "fails": "!= 0",
                    },
                    {"call": LITE + "step(ptr<stmt>)->i32", "args": [{"$": "put.out.0"}], "fails": "!= 101"},
                    {"call": LITE + "finalize(ptr<stmt>)->i32", "args": [{"$": "put.out.0"}], "always": True},
                    {
                        "call": LITE + f"exec(ptr<db>,cstr,callback {ROWS},ptr?,out cstr free(sqlite3_free))->i32",
                        "args": [{"$": "db"}, "select a, b, c, null from t", None],
                        "fails": "!= 0",
                    },
                    {
                        "call": LITE + "prepare_v2(ptr<db>,cstr,i32,out ptr<stmt>,out ptr)->i32",
                        "args": [{"$": "db"}, "select d from t", -1],
                        "as": "get",
                        "fails": "!= 0",
                    },
                    {"call": LITE + "step(ptr<stmt>)->i32", "args": [{"$": "get.out.0"}], "fails": "!= 100"},
                    {"call": LITE + "column_blob(ptr<stmt>,i32)->bytes[3]", "args": [{"$": "get.out.0"}, 0]},
                    {"call": LITE + "finalize(ptr<stmt>)->i32", "args": [{"$": "get.out.0"}], "always": True},
                    {
                        "call": LITE + "exec(ptr<db>,cstr,ptr?,ptr?,out cstr free(sqlite3_free))->i32",
                        "args": [{"$": "db"}, "select * from nowhere", None, None],
                    },
                    {"call": LITE + "errmsg(ptr<db>)->cstr", "args": [{"$": "db"}]},
                    {"call": LITE + "close(ptr<db>)->i32", "args": [{"$": "db"}], "always": True, "fails": "!= 0"},
                ]
            }
        ),
    ),
    "sqlite3",
)
calls = answer["calls"] if answer else [{}] * 17
check(calls[9].get("collected") == [[[4, [str(2**40), "grün", "2.5", None], ["a", "b", "c", "null"]]]], f"rows: {calls[9]}")
check(calls[12].get("result") == b64(b"\0\1\2"), f"a blob: {calls[12]}")
check(
    calls[14].get("out") == ["no such table: nowhere"] and calls[15].get("result") == "no such table: nowhere",
    f"errors: {calls[14:16]}",
)
libsqlite.sqlite3_libversion.restype = ctypes.c_char_p
check(call(LITE + "libversion()->cstr").get("result") == libsqlite.sqlite3_libversion().decode(), "sqlite3_libversion")
harness.close()
finish()
