#!/usr/bin/env python3
"""Writes owners.txt: runs nutcracker before servers that answer every `get` with their own address.

Run it as `unshare -rn make.py`: the servers listen on every address of 127.0.0.0/8, which would take memcached's port
from whoever uses it on this machine; in a network of its own nobody does. The README says what must be installed.
"""

import contextlib
import pathlib
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import vectors

LISTENER = 22121
ALL = "one one-port three ten ten-removed ten-added ten-shuffled ten-weighted ten-named ten-both rounded hundred thousand"
# Every one that nutcracker 0.5.0 knows.
HASHES = "one_at_a_time md5 crc16 crc32 crc32a fnv1_64 fnv1a_64 fnv1_32 fnv1a_32 hsieh murmur jenkins".split()


def questions():
    """Server list, placement, and lines of the pool's configuration."""
    for name in ALL.split():
        yield name, "twemproxy", {}
    for hash in HASHES:
        yield "ten", f"twemproxy:hash={hash}", {"hash": hash}
    for name in "ten-both rounded".split():
        yield name, "twemproxy:hash=md5", {"hash": "md5"}
    for tag in "{}", "$$":
        yield "ten", f"twemproxy:tag={tag}", {"hash_tag": f'"{tag}"'}
    yield "ten-both", "twemproxy:hash=murmur,tag={}", {"hash": "murmur", "hash_tag": '"{}"'}
    for name in "one three ten ten-removed ten-added ten-shuffled ten-weighted ten-both hundred thousand".split():
        yield name, "twemproxy:distribution=modula", {"distribution": "modula"}
    for hash in HASHES:
        yield "ten", f"twemproxy:distribution=modula,hash={hash}", {"distribution": "modula", "hash": hash}


def serve():
    """memcached to the extent of `get`: a value that says which address was asked."""
    ready = selectors.DefaultSelector()
    for port in 11211, 11212, 22122:
        listener = socket.create_server(("0.0.0.0", port), backlog=4096)
        ready.register(listener, selectors.EVENT_READ)
    unread = {}
    while True:
        for found, _ in ready.select():
            if found.fileobj not in unread and found.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                connection, _ = found.fileobj.accept()
                unread[connection] = b""
                ready.register(connection, selectors.EVENT_READ)
                continue
            received = found.fileobj.recv(65536)
            if not received:
                ready.unregister(found.fileobj)
                del unread[found.fileobj]
                found.fileobj.close()
                continue
            *lines, unread[found.fileobj] = (unread[found.fileobj] + received).split(b"\r\n")
            address = "%s:%d" % found.fileobj.getsockname()
            for line in lines:
                key = line.split()[1]
                value = b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key, len(address), address.encode())
                found.fileobj.sendall(value)


@contextlib.contextmanager
def nutcracker(servers, options):
    pool = {"listen": f"127.0.0.1:{LISTENER}", "timeout": 20000, "auto_eject_hosts": "false"} | options
    pool = {"hash": "fnv1a_64", "distribution": "ketama"} | pool
    lines = ["pool:", *(f"  {name}: {value}" for name, value in pool.items()), "  servers:"]
    for at in servers:
        lines.append(f"   - {at.host}:{at.port}:{at.weight}{' ' + at.name if at.name else ''}")
    with tempfile.TemporaryDirectory() as place:
        config = pathlib.Path(place, "pool.yml")
        config.write_text("\n".join(lines) + "\n")
        command = ["nutcracker", "-c", config, "-s", "22222", "-o", f"{place}/log"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as program:
            try:
                yield connected(program)
            finally:
                program.kill()


def connected(program):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and program.poll() is None:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", LISTENER)).makefile("rwb")
        time.sleep(0.01)
    raise RuntimeError("nutcracker did not start")


def asked(servers, options, keys):
    indexes = {f"{at.host}:{at.port}": index for index, at in enumerate(servers)}
    found = []
    with nutcracker(servers, options) as client:
        for key in keys:
            client.write(b"get %s\r\n" % key)
            client.flush()
            head, value, end = (client.readline() for _ in range(3))
            assert head.split()[1] == key and end == b"END\r\n", (key, head)
            found.append(indexes[value.decode().strip()])
    return found


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    threading.Thread(target=serve, daemon=True).start()
    keys = vectors.keys()
    lines = []
    for name, placement, options in questions():
        lines.append(vectors.line(name, placement, asked(vectors.servers(name), options, keys)))
    vectors.write(HERE / "owners.txt", lines)


if __name__ == "__main__":
    main()
