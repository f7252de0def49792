"""What the programs that make vectors share: the questions as data, and the form of an answer.

A vector is a line `LIST PLACEMENT OWNERS`: the list's file in servers/, the placement as this library's own text form
names it, and for each key of keys.txt in order the owner's index in the list, in base 36: one digit up to 36
servers, two for more. A key that the program cannot be asked has dashes.
"""

import pathlib
import re
import subprocess
from typing import NamedTuple

HERE = pathlib.Path(__file__).parent
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Server(NamedTuple):
    host: str
    port: int
    weight: float
    name: str | None
    address: str | None
    shard: int | None


def unescaped(text):
    return re.sub(rb"\\x(..)", lambda found: bytes([int(found[1], 16)]), text.encode())


def keys():
    return [unescaped(line) for line in (HERE / "keys.txt").read_text().splitlines()]


def servers(name):
    lines = (HERE / "servers" / f"{name}.txt").read_text().splitlines()
    return [server(line) for line in lines if not line.startswith("#")]


def server(line):
    at = re.fullmatch(r"([^/]+)(?:/(.+))?:(\d+)(?:@([\d.]+))?(?:#(\d+))?(?:=(.+))?", line)
    host, address, port, weight, shard, name = at.groups()
    weight = float(weight) if "." in (weight or "") else int(weight if weight else 1)
    return Server(host, int(port), weight, name, address, int(shard) if shard else None)


def ask(command, of, asked):
    """Asks a program that reads servers, an empty line and keys in hex, and prints an index (or `-`) for each key."""
    fields = ((at.host, at.port, at.weight, at.name, at.address, at.shard) for at in of)
    lines = [" ".join("-" if field is None else str(field) for field in server) for server in fields]
    text = "\n".join([*lines, "", *(key.hex() for key in asked), ""])
    printed = subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.PIPE).stdout.split()
    assert len(printed) == len(asked), f"{command} answered {len(printed)} of {len(asked)} keys"
    return [None if owner == "-" else int(owner) for owner in printed]


def owners(indexes, count):
    width = 1 if count <= len(DIGITS) else 2
    return "".join("-" * width if at is None else (DIGITS[at // 36] + DIGITS[at % 36])[-width:] for at in indexes)


def line(name, placement, indexes):
    return f"{name} {placement} {owners(indexes, len(servers(name)))}\n"


def write(path, lines):
    pathlib.Path(path).write_text("".join(lines))
