#!/usr/bin/env python3
"""Writes owners.txt; the README says what must be installed."""

import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import vectors
from pymemcache.client.hash import HashClient

LISTS = "one one-port three ten ten-removed ten-added ten-shuffled hosts hundred thousand".split()


def text(key):
    """A key as most applications hold it; one that is no UTF-8 cannot be held so."""
    try:
        return key.decode()
    except UnicodeDecodeError:
        return None


def owners(name, keys):
    client = HashClient([(at.host, at.port) for at in vectors.servers(name)])
    nodes = list(client.clients)
    # `_get_client`, which every operation calls, asks the hasher with the caller's key as it is.
    return [None if key is None else nodes.index(client.hasher.get_node(key)) for key in keys]


def main():
    keys = vectors.keys()
    lines = [vectors.line(name, "pymemcache", owners(name, map(text, keys))) for name in LISTS]
    lines += [vectors.line(name, "pymemcache:keys=bytes", owners(name, keys)) for name in ("three", "ten", "hundred")]
    vectors.write(HERE / "owners.txt", lines)


if __name__ == "__main__":
    main()
