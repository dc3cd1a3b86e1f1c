"""Makes functions of random signatures in C, each with a call and what has to come of it.

Every function makes a hash of all that it is given, and everything that it returns, writes or calls back is made from that hash: a
byte that arrives wrong changes all of the result. The seed is fixed; another one makes other functions."""

import random

import generated_arguments
from generated_types import WORDS, any_type

C_BEGINNING = """#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t mix(uint64_t h, uint64_t value) {
    h = (h ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}
static inline uint64_t spread(uint64_t h, uint64_t k) { return mix(mix(h, k + 1), UINT64_C(0x5851F42D4C957F2D)); }
static uint64_t mix_real(uint64_t h, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return mix(h, bits);
}
static uint64_t mix_text(uint64_t h, const char *text) {
    for (; *text != 0; text++) h = mix(h, (unsigned char)*text);
    return mix(h, 256);
}
"""


class Case:
    def __init__(self, seed, number):
        rng = random.Random(f"{seed}/{number}")
        self.name = f"f{number}"
        self.variadic = rng.random() < 0.15
        count = rng.choice([0, 1, 2, 3, 4, 5, 8, 12])
        self.arguments = [generated_arguments.argument(rng, n) for n in range(count)]
        self.fixed = count
        if self.variadic:
            self.arguments = [generated_arguments.Value(rng, n) for n in range(rng.randint(1, 3))]
            self.fixed = len(self.arguments)
            self.arguments += [generated_arguments.Value(rng, self.fixed + n, variadic=True) for n in range(rng.randint(0, 6))]
        self.result = None if rng.random() < 0.1 else any_type(rng)
        signature = [argument.sig for argument in self.arguments]
        if self.variadic:
            signature.insert(self.fixed, "...")
        self.target = f"{self.name}({','.join(signature)})->{'void' if self.result is None else self.result.sig}"

    def c(self):
        types = [t for argument in self.arguments for t in argument.types] + ([] if self.result is None else [self.result])
        text = "".join(t.declare() for t in types)
        parameters = [part for argument in self.arguments[: self.fixed] for part in argument.c] + (["..."] if self.variadic else [])
        text += f"{'void' if self.result is None else self.result.c} {self.name}({', '.join(parameters) or 'void'}) {{\nuint64_t h = 1;\n"
        if self.variadic:
            text += f"va_list list;\nva_start(list, a{self.fixed - 1});\n"
            for argument in self.arguments[self.fixed :]:
                text += f"{argument.c[0]} = va_arg(list, {argument.type.c});\n"
            text += "va_end(list);\n"
        text += "".join(argument.hash_c() for argument in self.arguments)
        text += "".join(argument.write_c() for argument in self.arguments)
        if self.result is not None:
            text += (
                f"{self.result.c} result;\nmemset(&result, 0, sizeof result);\n{self.result.make_c('result', 0)}return result;\n"
            )
        else:
            text += "(void)h;\n"
        return text + "}\n"

    def json(self):
        return [value for argument in self.arguments for value in argument.json]

    def expected(self):
        h = 1
        for argument in self.arguments:
            h = argument.hash(h)
        whole = {
            "result": None if self.result is None else self.result.to_json(self.result.made(h, 0)),
            "out": [value for argument in self.arguments for value in argument.expected(h)],
            "errno": 0,
        }
        collecting = [a.collected(h) for a in self.arguments if isinstance(a, generated_arguments.Collecting)]
        return whole | ({"collected": collecting} if collecting else {})

    def by_ctypes(self, library):
        function = library[self.name]
        function.restype = None if self.result is None else self.result.ctypes
        value = function(*[part for argument in self.arguments for part in argument.calls()])
        whole = {
            "result": None if self.result is None else self.result.to_json(self.result.from_ctypes(value)),
            "out": [value for argument in self.arguments for value in argument.got()],
            "errno": 0,
        }
        collecting = [a.seen for a in self.arguments if isinstance(a, generated_arguments.Collecting)]
        return whole | ({"collected": collecting} if collecting else {})


def make(seed, count):
    cases = [Case(seed, number) for number in range(count)]
    words = ", ".join('"' + "".join(f"\\{byte:03o}" for byte in word) + '"' for word in WORDS)
    text = C_BEGINNING + f"static const char *const words[] = {{ {words} }};\nconst char *const *const keep = words;\n"
    return cases, text + "".join(case.c() for case in cases)
