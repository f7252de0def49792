#!/usr/bin/env python3
"""Writes owners.txt; the README says what must be installed."""

import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import vectors

ALL = "one one-port three ten ten-removed ten-added ten-shuffled resolved hundred thousand".split()
HASHES = {"crc": "CRC", "fnv1_64": "FNV1_64", "fnv1a_64": "FNV1A_64", "fnv1_32": "FNV1_32", "fnv1a_32": "FNV1A_32"}


def questions():
    """Server list, placement, and the words for the oracle."""
    for name in ALL:
        yield name, "spymemcached", "ketama", "KETAMA_HASH"
    for name in "ten-weighted rounded".split():
        yield name, "spymemcached", "weighted", "KETAMA_HASH"
    for name in "one three ten hosts resolved hundred".split():
        yield name, "spymemcached:format=libmemcached", "libmemcached", "KETAMA_HASH"
    for name, hash in {**HASHES, "native": "NATIVE"}.items():
        yield "ten", f"spymemcached:hash={name}", "ketama", f"{hash}_HASH"
    for name in "one three ten ten-removed ten-added ten-shuffled hundred thousand".split():
        yield name, "spymemcached-mod", "mod", "NATIVE_HASH"
    for name, hash in {**HASHES, "md5": "KETAMA"}.items():
        yield "ten", f"spymemcached-mod:hash={name}", "mod", f"{hash}_HASH"


def main():
    keys = vectors.keys()
    jar = "/usr/share/java/spymemcached.jar"
    with tempfile.TemporaryDirectory() as built:
        subprocess.run(["javac", "-cp", jar, "-d", built, HERE / "Oracle.java"], check=True)
        oracle = ["java", "-cp", f"{jar}:{built}", "Oracle"]
        vectors.write(
            HERE / "owners.txt",
            [
                vectors.line(name, placement, vectors.ask([*oracle, *words], vectors.servers(name), keys))
                for name, placement, *words in questions()
            ],
        )


if __name__ == "__main__":
    main()
