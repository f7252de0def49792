#!/usr/bin/env python3
"""Writes owners.txt; the README says what must be installed."""

import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import vectors

# A ring of more than 100 servers makes libmemcached abort; its modula has no such limit.
ALL = "one one-port three ten ten-removed ten-added ten-shuffled ten-weighted ten-zero rounded hosts hundred".split()
FEW = "ten ten-weighted".split()
# Debian's build leaves hsieh out.
HASHES = "one_at_a_time md5 crc fnv1_64 fnv1a_64 fnv1_32 fnv1a_32 murmur jenkins murmur3".split()


def questions():
    """Server list, placement, and the words for the oracle."""
    for name in ALL:
        yield name, "ketama", "weighted", "md5"
    for hash in HASHES:
        yield "ten", f"ketama:hash={hash}", "weighted", hash
    for name in ALL:
        yield name, "libmemcached", "consistent", "one_at_a_time"
    for hash in HASHES:
        for name in FEW:
            yield name, f"libmemcached:hash={hash}", "consistent", hash
    for name in ALL:
        yield name, "ketama-spy:hash=md5,weighted=true", "spy-weighted", "md5"
    for name in "one one-port three ten hosts".split():
        yield name, "ketama-spy", "spy", "one_at_a_time"
    for name in "one three ten ten-removed ten-added ten-shuffled ten-weighted hundred thousand".split():
        yield name, "libmemcached-modula", "modula", "one_at_a_time"
    for hash in HASHES:
        yield "ten", f"libmemcached-modula:hash={hash}", "modula", hash


def main():
    keys = vectors.keys()
    with tempfile.TemporaryDirectory() as built:
        oracle = f"{built}/oracle"
        subprocess.run(["cc", "-O1", HERE / "oracle.c", "-o", oracle, "-lmemcached"], check=True)
        vectors.write(
            HERE / "owners.txt",
            [
                vectors.line(name, placement, vectors.ask([oracle, *words], vectors.servers(name), keys))
                for name, placement, *words in questions()
            ],
        )


if __name__ == "__main__":
    main()
