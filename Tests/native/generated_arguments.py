"""Kinds of arguments: how one is declared, given, seen by the C function and read afterwards.

Each has: sig, c (its C parameters), json (what the job gives; absent: nothing), hash/hash_c (before the call), write_c (what the
function writes), calls (ctypes arguments), got (values by pointers after a ctypes call), expected (the same, worked out)."""

import base64
import ctypes

from generated_types import F32, INTEGERS, any_type, mix


class Value:
    def __init__(self, rng, n, variadic=False):
        self.n, self.type = n, any_type(rng)
        while variadic and not promoted(self.type):
            self.type = any_type(rng)
        self.value = self.type.sample(rng)
        self.sig, self.c = self.type.sig, [f"{self.type.c} a{n}"]
        self.types, self.json = [self.type], [self.type.to_json(self.value)]

    def hash(self, h):
        return self.type.hash(h, self.value)

    def hash_c(self):
        return self.type.hash_c(f"a{self.n}")

    def write_c(self):
        return ""

    def calls(self):
        return [self.type.to_ctypes(self.value)]

    def got(self):
        return []

    def expected(self, h):
        return []


def promoted(t):
    return t is not F32 and not (hasattr(t, "bits") and t.bits < 32)


class Pointed(Value):
    """in T, out T, inout T."""

    def __init__(self, rng, n):
        super().__init__(rng, n)
        self.mode = rng.choice(["in", "out", "inout"])
        self.sig = f"{self.mode} {self.type.sig}"
        self.c = [f"{'const ' if self.mode == 'in' and not self.type.c.startswith('const') else ''}{self.type.c} *a{n}"]
        if self.mode == "out":
            self.json = []

    def hash(self, h):
        return h if self.mode == "out" else self.type.hash(h, self.value)

    def hash_c(self):
        return "" if self.mode == "out" else self.type.hash_c(f"(*a{self.n})")

    def write_c(self):
        return "" if self.mode == "in" else self.type.make_c(f"(*a{self.n})", 1000 * self.n)

    def calls(self):
        self.memory = self.type.to_ctypes(self.value) if self.mode != "out" else self.type.ctypes()
        return [ctypes.byref(self.memory)]

    def got(self):
        return [] if self.mode == "in" else [self.type.to_json(self.type.from_ctypes(self.memory))]

    def expected(self, h):
        return [] if self.mode == "in" else [self.type.to_json(self.type.made(h, 1000 * self.n))]


class Elements(Value):
    """T[], T[N], T[]<length>, inout of them, out T[N] and out T[*]<inout length>."""

    def __init__(self, rng, n):
        super().__init__(rng, n)
        self.type = any_type(rng)
        self.mode = rng.choice(["", "", "inout ", "out "])
        while self.mode == "out " and self.type.sig == "cstr":  # that is a buffer for text
            self.type = any_type(rng)
        self.types = [self.type]
        self.count = rng.randint(1, 6)
        self.value = [self.type.sample(rng) for _ in range(self.count)]
        self.json = [[self.type.to_json(item) for item in self.value]]
        self.length = rng.choice(INTEGERS) if rng.random() < 0.6 else None
        self.kept = rng.randint(0, self.count) if self.mode == "out " and self.length is not None else self.count
        fixed = self.length is None or rng.random() < 0.5
        bounds = str(self.count) if fixed else ""
        if self.mode == "out ":
            bounds = str(self.count) if fixed else "*"
            self.json = [] if fixed else [self.count]
        length = "" if self.length is None else f"<{'inout ' if self.mode == 'out ' else ''}{self.length.sig}>"
        self.sig = f"{self.mode}{self.type.sig}[{bounds}]{length}"
        self.c = [f"{'const ' if self.mode == '' and not self.type.c.startswith('const') else ''}{self.type.c} *a{n}"]
        if self.length is not None:
            self.c.append(f"{self.length.c} {'*' if self.mode == 'out ' else ''}n{n}")

    def hash(self, h):
        if self.length is not None:
            h = mix(h, self.count)
        for item in self.value if self.mode != "out " else []:
            h = self.type.hash(h, item)
        return h

    def hash_c(self):
        text = ""
        if self.length is not None:
            text += f"h = mix(h, (uint64_t){'*' if self.mode == 'out ' else ''}n{self.n});\n"
        if self.mode != "out ":
            text += "".join(self.type.hash_c(f"a{self.n}[{i}]") for i in range(self.count))
        return text

    def write_c(self):
        if self.mode == "":
            return ""
        step = self.type.scalars()
        text = "".join(self.type.make_c(f"a{self.n}[{i}]", 1000 * self.n + i * step) for i in range(self.count))
        return text + (f"*n{self.n} = {self.kept};\n" if self.mode == "out " and self.length is not None else "")

    def calls(self):
        array = self.type.ctypes * self.count
        self.memory = array(*[self.type.to_ctypes(item) for item in self.value]) if self.mode != "out " else array()
        if self.length is None:
            return [self.memory]
        self.number = self.length.ctypes(self.count)
        return [self.memory, ctypes.byref(self.number) if self.mode == "out " else self.number]

    def got(self):
        if self.mode == "":
            return []
        kept = self.number.value if self.mode == "out " and self.length is not None else self.count
        return [[self.type.to_json(self.type.from_ctypes(self.memory[i])) for i in range(kept)]]

    def expected(self, h):
        step = self.type.scalars()
        return (
            [] if self.mode == "" else [[self.type.to_json(self.type.made(h, 1000 * self.n + i * step)) for i in range(self.kept)]]
        )


class Bytes(Value):
    def __init__(self, rng, n):
        super().__init__(rng, n)
        self.types = []
        self.value = bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 7, 100])))
        self.json = [{"base64": base64.b64encode(self.value).decode()}]
        self.length = rng.choice([None, INTEGERS[6], INTEGERS[4]])
        self.sig = "bytes" + ("" if self.length is None else f"<{self.length.sig}>")
        self.c = [f"const uint8_t *a{n}", f"{'size_t' if self.length is None else self.length.c} n{n}"]

    def hash(self, h):
        for byte in self.value:
            h = mix(h, byte)
        return h

    def hash_c(self):
        return f"for (size_t i = 0; i < n{self.n}; i++) h = mix(h, a{self.n}[i]);\n"

    def calls(self):
        return [ctypes.c_char_p(self.value), (ctypes.c_size_t if self.length is None else self.length.ctypes)(len(self.value))]


class Collecting(Value):
    """A callback that the function calls a few times with numbers of the hash."""

    def __init__(self, rng, n):
        super().__init__(rng, n)
        self.types = [any_type(rng) for _ in range(rng.randint(1, 4))]
        self.times = rng.randint(0, 3)
        self.answer = rng.choice(INTEGERS)
        self.json = []
        self.sig = f"callback collect({','.join(t.sig for t in self.types)})->{self.answer.sig}"
        self.c = [f"{self.answer.c} (*a{n})({', '.join(t.c for t in self.types)})"]

    def hash(self, h):
        return h

    def hash_c(self):
        return ""

    def places(self):
        k = 1000 * self.n
        for _ in range(self.times):
            for t in self.types:
                yield t, k
                k += t.scalars()

    def write_c(self):
        text = ""
        places = list(self.places())
        for i in range(self.times):
            mine = places[i * len(self.types) : (i + 1) * len(self.types)]
            text += "{\n" + "".join(f"{t.c} v{j};\n{t.make_c(f'v{j}', k)}" for j, (t, k) in enumerate(mine))
            text += f"(void)a{self.n}({', '.join(f'v{j}' for j in range(len(mine)))});\n}}\n"
        return text

    def calls(self):
        self.seen = []

        def called(*values):
            self.seen.append([t.to_json(t.from_ctypes(value)) for t, value in zip(self.types, values)])
            return 0

        self.function = ctypes.CFUNCTYPE(self.answer.ctypes, *[t.ctypes for t in self.types])(called)
        return [self.function]

    def collected(self, h):
        values = [t.to_json(t.made(h, k)) for t, k in self.places()]
        width = len(self.types)
        return [values[i * width : (i + 1) * width] for i in range(self.times)]


def argument(rng, n):
    kind = rng.random()
    for limit, made in [(0.5, Value), (0.65, Pointed), (0.8, Elements), (0.88, Bytes), (1, Collecting)]:
        if kind < limit:
            return made(rng, n)
