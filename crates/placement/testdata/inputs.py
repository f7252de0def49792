#!/usr/bin/env python3
"""Writes keys.txt and servers/*.txt: what every program here was asked. Run it from anywhere; it needs no arguments.

The figures below decide every vector file: after a change all of them have to be made again.
"""

import hashlib
import pathlib

HERE = pathlib.Path(__file__).parent
LETTERS = bytes(range(0x61, 0x7B)) + b"0123456789:_-./"
HIGH = bytes(range(0x80, 0x100))


def noise(seed, count):
    """`count` bytes that depend on nothing but `seed`."""
    blocks = range(0, count, 32)
    return b"".join(hashlib.sha256(f"{seed}/{at}".encode()).digest() for at in blocks)[:count]


def word(seed, count, alphabet=LETTERS):
    return bytes(alphabet[byte % len(alphabet)] for byte in noise(seed, count))


def tagged():
    """Keys for hash tags: none, empty, unclosed, reversed, nested, two, at either end; for `{}` and for `$`."""
    shapes = "{%s}", "a{%s}", "{%s}b", "a{%s}b", "{}%s", "a{}%s{b}", "{%s", "%s}", "}%s{", "{{%s}}", "{%s}{b}"
    shapes += "$%s$", "a$%s$b", "$$%s", "$%s", "{$%s$}"
    return [(shape % tag).encode() for tag in ("", "1", "user:7", "\u00e9") for shape in shapes]


def routed():
    """Keys that mcrouter cuts: a routing prefix, a suffix that is not hashed, and what only looks like them."""
    shapes = "/region/cluster/%s", "/a/b/%s", "%s|#|rest", "%s|#|", "/region/cluster/%s|#|rest", "|#|%s", "%s|#", "/%s", "/a/%s"
    return [(shape % key).encode() for key in ("k", "user:42", "photo") for shape in shapes]


def keys():
    found = [bytes([byte]) for byte in b"abyz019:/{}$"]
    found += tagged() + routed()
    found += [word(f"length {count}", count) for count in range(1, 251)]
    found += [word(f"high {count}", count, HIGH) for count in range(1, 65)] + [word("high 250", 250, HIGH)]
    found += [word(f"mixed {count}", count, LETTERS + HIGH) for count in [*range(2, 50), 249, 250]]
    found += ["\u00e9" * n for n in (1, 2, 3, 125)]
    found += [f"caf\u00e9:{n}" for n in range(20)] + [f"\u540d\u524d:{n}" for n in range(20)] + [f"\U0001f600{n}" for n in range(8)]
    found += [f"user:{n}" for n in range(120)] + [f"session:{word(n, 16).decode()}" for n in range(60)]
    found += [f"/v2/views/{n}?page={n % 7}&lang=en" for n in range(60)]
    found = [key.encode() if isinstance(key, str) else key for key in found]
    found = list(dict.fromkeys(key for key in found if key))
    extra = (noise(f"hex {n}", 8).hex().encode() for n in range(1200))
    while len(found) < 1200:
        found.append(next(extra))
    return found[:1200]


def escaped(key):
    """One line of text for any key: printable ASCII as it is, the backslash and all else as `\\xNN`."""
    return "".join(chr(b) if 0x21 <= b <= 0x7E and b != 0x5C else f"\\x{b:02x}" for b in key)


def lists():
    """Name, what it is for, and the servers, each as `HOST[/ADDRESS]:PORT[@WEIGHT][#SHARD][=NAME]`.

    Addresses are ones that a proxy on this machine can connect to, since some must.
    """
    ten = [f"127.0.1.{n}:{11211 + n % 2}" for n in range(1, 11)]
    names = "alpha bravo charlie delta echo foxtrot golf hotel india juliett".split()
    fibonacci = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55]
    yield "one", "one server, on memcached's own port", ["127.0.1.1:11211"]
    yield "one-port", "one server, on another port", ["127.0.1.1:22122"]
    yield "three", "three equal servers", [f"127.0.1.{n}:11211" for n in range(1, 4)]
    yield "ten", "ten equal servers, every other one on memcached's own port", ten
    yield "ten-removed", "`ten` without its fourth", ten[:3] + ten[4:]
    yield "ten-added", "`ten` and an eleventh in the middle", ten[:5] + ["127.0.1.11:11211"] + ten[5:]
    yield "ten-shuffled", "`ten` in another order", [ten[n * 7 % 10] for n in range(10)]
    yield "ten-weighted", "`ten` with weights from 1 to 55", [f"{at}@{weight}" for at, weight in zip(ten, fibonacci)]
    yield "ten-zero", "`ten` with a weight of 0 and others of 2", [f"{at}@{weight}" for at, weight in zip(ten, [2, 0, 1, 2, 2, 2, 2, 2, 2, 1])]
    yield "ten-named", "`ten` with names", [f"{at}={name}" for at, name in zip(ten, names)]
    both = zip(ten, reversed(fibonacci), names)
    yield "ten-both", "`ten` with weights and names", [f"{at}@{weight}={name}" for at, weight, name in both]
    rounded = [f"127.0.3.{n + 1}:11211@{weight}" for n, weight in enumerate(ROUNDED)]
    yield "rounded", "weights for which counting points in 32-bit and in 64-bit floats differs", rounded
    yield "fractions", "weights between 0 and 1", [f"{at}@{weight}" for at, weight in zip(ten, FRACTIONS)]
    shards = [3, 1, None, 0, 12, 2, None, 7, 100, 5]
    yield "shards", "`ten` with the shard ids of a serverset, two without", [
        at if shard is None else f"{at}#{shard}" for at, shard in zip(ten, shards)
    ]
    yield "resolved", "host names with the addresses they resolve to", [
        f"cache-{n}.example.net/127.0.4.{n}:{11211 + n // 4}" for n in range(1, 6)
    ]
    yield "long", "addresses of fifteen characters", [f"127.201.102.{n}:11211" for n in range(101, 106)]
    yield "hosts", "host names instead of addresses", [f"cache-{n}.example.net:{11211 + n // 4}" for n in range(1, 6)]
    yield "hundred", "a hundred equal servers", [f"127.0.2.{n}:11211" for n in range(1, 101)]
    yield "thousand", "a thousand equal servers", [f"127.1.{n // 250}.{n % 250 + 1}:11211" for n in range(1000)]


FRACTIONS = [1, 0.5, 0.25, 0.9, 0.05, 0.75, 0.333, 1, 0.6, 0]
# The sum is 220: in 64 bits six of these products of weight / 220 * 40 * 11 are whole numbers that 32 bits just miss.
ROUNDED = [46, 2, 44, 39, 29, 1, 1, 22, 1, 33, 2]


def main():
    made = keys()
    assert len(set(made)) == 1200 and max(map(len, made)) == 250
    (HERE / "keys.txt").write_text("".join(escaped(key) + "\n" for key in made))
    for name, purpose, servers in lists():
        (HERE / "servers" / f"{name}.txt").write_text(f"# {purpose}\n" + "".join(server + "\n" for server in servers))


if __name__ == "__main__":
    main()
