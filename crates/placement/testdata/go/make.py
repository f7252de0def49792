#!/usr/bin/env python3
"""Writes owners.txt; the README says what must be installed."""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import vectors

LISTS = "one one-port three ten ten-removed ten-added ten-shuffled hosts hundred thousand".split()
# A peer of groupcache is a URL: a name. gomemcache resolves what it is given, and those hosts have no address.
QUESTIONS = [(name, "groupcache", "groupcache") for name in [*LISTS, "ten-named"]]
QUESTIONS += [("ten", "groupcache:points=100", "groupcache", "100")]
QUESTIONS += [(name, "mcset", "mcset") for name in LISTS]
QUESTIONS += [(name, "gomemcache", "gomemcache") for name in [*LISTS, "ten-weighted"] if name != "hosts"]


def main():
    keys = vectors.keys()
    # Debian lays Go packages out for builds without modules.
    env = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": ""}
    with tempfile.TemporaryDirectory() as built:
        oracle = f"{built}/oracle"
        subprocess.run(["go", "build", "-o", oracle, HERE / "oracle.go"], check=True, env=env)
        vectors.write(
            HERE / "owners.txt",
            [
                vectors.line(name, placement, vectors.ask([oracle, *words], vectors.servers(name), keys))
                for name, placement, *words in QUESTIONS
            ],
        )


if __name__ == "__main__":
    main()
