"""Types that the generator makes signatures of: as the signature, C, ctypes and JSON have them."""

import ctypes
import struct

MASK = (1 << 64) - 1
WORDS = [b"", b"a", b"spindle", "grün".encode(), "日本語".encode(), b"two words", b"\xff\xfe not UTF-8", b"x" * 300]


def mix(h, value):
    """One step of a hash; the same in C."""
    h = (h ^ (value & MASK)) * 0x9E3779B97F4A7C15 & MASK
    return h ^ (h >> 29)


def spread(h, k):
    """The k-th number that a hash gives; the same in C."""
    return mix(mix(h, k + 1), 0x5851F42D4C957F2D)


def text_json(text):
    import base64

    try:
        return text.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(text).decode()}


class Integer:
    def __init__(self, name, c, python, bits, signed):
        self.sig, self.c, self.ctypes, self.bits, self.signed = name, c, python, bits, signed

    def declare(self):
        return ""

    def sample(self, rng):
        low, high = (-(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1) if self.signed else (0, (1 << self.bits) - 1)
        return rng.choice([low, high, 0, 1, rng.randint(low, high), rng.randint(low, high)])

    def to_json(self, value):
        return str(value) if value > (1 << 63) - 1 else value

    def to_ctypes(self, value):
        return self.ctypes(value)

    def from_ctypes(self, value):
        return value if isinstance(value, int) else value.value

    def hash(self, h, value):
        return mix(h, value)

    def hash_c(self, expression):
        return f"h = mix(h, (uint64_t)({expression}));\n"

    def made(self, h, k):
        value = spread(h, k) & ((1 << self.bits) - 1)
        return value - (1 << self.bits) if self.signed and value >> (self.bits - 1) else value

    def make_c(self, expression, k):
        return f"{expression} = ({self.c})spread(h, {k});\n"

    def scalars(self):
        return 1


class Boolean(Integer):
    def __init__(self):
        super().__init__("bool", "bool", ctypes.c_bool, 1, False)

    def sample(self, rng):
        return rng.random() < 0.5

    def to_json(self, value):
        return bool(value)

    def from_ctypes(self, value):
        return value if isinstance(value, bool) else bool(getattr(value, "value", value))

    def hash(self, h, value):
        return mix(h, int(value))

    def made(self, h, k):
        return bool(spread(h, k) & 1)

    def make_c(self, expression, k):
        return f"{expression} = spread(h, {k}) & 1;\n"


class Enum(Integer):
    count = 0

    def __init__(self, rng):
        Enum.count += 1
        width = rng.choice([None, None, "u8", "i16", "i64"])
        base = {
            None: (ctypes.c_int32, 32, True, "int32_t"),
            "u8": (ctypes.c_uint8, 8, False, "uint8_t"),
            "i16": (ctypes.c_int16, 16, True, "int16_t"),
            "i64": (ctypes.c_int64, 64, True, "int64_t"),
        }[width]
        self.values = [rng.randint(0, 100) * 2 + i * 200 if width != "u8" else i * 3 for i in range(rng.randint(1, 5))]
        if width != "u8":
            self.values[0] = -self.values[0] - 1
        body = ",".join(f"V{i}={value}" for i, value in enumerate(self.values))
        super().__init__(f"enum{'' if width is None else '<' + width + '>'}{{{body}}}", base[3], base[0], base[1], base[2])

    def sample(self, rng):
        return rng.choice(self.values)

    def to_json(self, value):
        return f"V{self.values.index(value)}"

    def made(self, h, k):
        return self.values[spread(h, k) % len(self.values)]

    def make_c(self, expression, k):
        table = ",".join(str(value) for value in self.values)
        return f"{{ static const {self.c} t[] = {{ {table} }}; {expression} = t[spread(h, {k}) % {len(self.values)}]; }}\n"


class Real:
    def __init__(self, name, c, python):
        self.sig, self.c, self.ctypes = name, c, python

    def declare(self):
        return ""

    def sample(self, rng):
        value = rng.choice(
            [0.0, -0.0, 1.5, float("inf"), rng.uniform(-1e6, 1e6), rng.uniform(-1, 1) * 10.0 ** rng.randint(-30, 30)]
        )
        return struct.unpack("f", struct.pack("f", value))[0] if self.sig == "f32" else value

    def to_json(self, value):
        return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, value)

    def to_ctypes(self, value):
        return self.ctypes(value)

    def from_ctypes(self, value):
        return value if isinstance(value, float) else value.value

    def hash(self, h, value):
        return mix(h, struct.unpack("<Q", struct.pack("<d", value))[0])

    def hash_c(self, expression):
        return f"h = mix_real(h, (double)({expression}));\n"

    def made(self, h, k):
        return ((spread(h, k) >> 40) - (1 << 23)) / (256.0 if self.sig == "f32" else 1000000.0)

    def make_c(self, expression, k):
        scale = "256.0" if self.sig == "f32" else "1000000.0"
        return f"{expression} = ({self.c})((double)((int64_t)(spread(h, {k}) >> 40) - (1 << 23)) / {scale});\n"

    def scalars(self):
        return 1


class Text:
    sig, c, ctypes = "cstr", "const char *", ctypes.c_char_p

    def declare(self):
        return ""

    def sample(self, rng):
        return rng.choice(WORDS)

    def to_json(self, value):
        return text_json(value)

    def to_ctypes(self, value):
        return ctypes.c_char_p(value)

    def from_ctypes(self, value):
        return value if isinstance(value, bytes) else value.value

    def hash(self, h, value):
        for byte in value:
            h = mix(h, byte)
        return mix(h, 256)

    def hash_c(self, expression):
        return f"h = mix_text(h, {expression});\n"

    def made(self, h, k):
        return WORDS[spread(h, k) % len(WORDS)]

    def make_c(self, expression, k):
        return f"{expression} = words[spread(h, {k}) % {len(WORDS)}];\n"

    def scalars(self):
        return 1


class Array:
    """Within a struct."""

    def __init__(self, element, count):
        self.element, self.count = element, count
        self.ctypes = element.ctypes * count

    def sample(self, rng):
        return [self.element.sample(rng) for _ in range(self.count)]

    def to_json(self, value):
        return [self.element.to_json(item) for item in value]

    def to_ctypes(self, value):
        return self.ctypes(*[self.element.to_ctypes(item) for item in value])

    def from_ctypes(self, value):
        return [self.element.from_ctypes(item) for item in value]

    def hash(self, h, value):
        for item in value:
            h = self.element.hash(h, item)
        return h

    def hash_c(self, expression):
        return "".join(self.element.hash_c(f"{expression}[{i}]") for i in range(self.count))

    def made(self, h, k):
        step = self.element.scalars()
        return [self.element.made(h, k + i * step) for i in range(self.count)]

    def make_c(self, expression, k):
        step = self.element.scalars()
        return "".join(self.element.make_c(f"{expression}[{i}]", k + i * step) for i in range(self.count))

    def scalars(self):
        return self.count * self.element.scalars()


class Struct:
    count = 0

    def __init__(self, rng, fields):
        Struct.count += 1
        self.c = f"struct s{Struct.count}"
        self.fields = fields
        self.named = rng.random() < 0.5
        self.ctypes = type(
            f"S{Struct.count}", (ctypes.Structure,), {"_fields_": [(f"f{i}", t.ctypes) for i, t in enumerate(fields)]}
        )
        parts = []
        for i, field in enumerate(fields):
            inner = f"{field.element.sig}[{field.count}]" if isinstance(field, Array) else field.sig
            parts.append(f"f{i}:{inner}" if self.named else inner)
        self.sig = "{" + ",".join(parts) + "}"

    def declare(self):
        inner = ""
        for field in self.fields:
            inner += (field.element if isinstance(field, Array) else field).declare()
        members = "".join(
            f"    {t.element.c} f{i}[{t.count}];\n" if isinstance(t, Array) else f"    {t.c} f{i};\n"
            for i, t in enumerate(self.fields)
        )
        return f"{inner}{self.c} {{\n{members}}};\n"

    def sample(self, rng):
        return [field.sample(rng) for field in self.fields]

    def to_json(self, value):
        parts = [field.to_json(item) for field, item in zip(self.fields, value)]
        return {f"f{i}": part for i, part in enumerate(parts)} if self.named else parts

    def to_ctypes(self, value):
        return self.ctypes(*[field.to_ctypes(item) for field, item in zip(self.fields, value)])

    def from_ctypes(self, value):
        return [field.from_ctypes(getattr(value, f"f{i}")) for i, field in enumerate(self.fields)]

    def hash(self, h, value):
        for field, item in zip(self.fields, value):
            h = field.hash(h, item)
        return h

    def hash_c(self, expression):
        return "".join(field.hash_c(f"{expression}.f{i}") for i, field in enumerate(self.fields))

    def made(self, h, k):
        value = []
        for field in self.fields:
            value.append(field.made(h, k))
            k += field.scalars()
        return value

    def make_c(self, expression, k):
        text = ""
        for i, field in enumerate(self.fields):
            text += field.make_c(f"{expression}.f{i}", k)
            k += field.scalars()
        return text

    def scalars(self):
        return sum(field.scalars() for field in self.fields)


INTEGERS = [
    Integer(name, c, getattr(ctypes, f"c_{'' if signed else 'u'}int{bits}"), bits, signed)
    for name, c, bits, signed in [
        ("i8", "int8_t", 8, True),
        ("i16", "int16_t", 16, True),
        ("i32", "int32_t", 32, True),
        ("i64", "int64_t", 64, True),
        ("u8", "uint8_t", 8, False),
        ("u16", "uint16_t", 16, False),
        ("u32", "uint32_t", 32, False),
        ("u64", "uint64_t", 64, False),
    ]
]
SIZE = Integer("size", "size_t", ctypes.c_size_t, 64, False)
F32, F64 = Real("f32", "float", ctypes.c_float), Real("f64", "double", ctypes.c_double)


def scalar(rng):
    return rng.choice(INTEGERS + [SIZE, F32, F64, F32, F64, Boolean(), Text(), Enum(rng)])


def structure(rng, depth=0):
    fields = []
    for _ in range(rng.choice([1, 2, 2, 3, 3, 4, 6])):
        kind = rng.random()
        if depth < 3 and kind < 0.2:
            fields.append(structure(rng, depth + 1))
        elif kind < 0.35:
            fields.append(Array(scalar(rng), rng.randint(1, 5)))
        else:
            fields.append(scalar(rng))
    return Struct(rng, fields)


def any_type(rng):
    return structure(rng) if rng.random() < 0.3 else scalar(rng)
