"""Passes descriptors of many kinds into a UNIX stream socket, as a mistaken or hostile local program might.

Usage: pass-descriptors.py SOCKET ROUNDS
Prints 'held N' where N of the connected TCP pairs that were passed are still open at the far end when all is done.
"""
import os
import socket
import sys
import tempfile
import time


def connected_pair():
    listener = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(listener.getsockname())
    far, _ = listener.accept()
    listener.close()
    return near, far


def junk():
    """One descriptor of each kind that is no connected TCP socket."""
    yield socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    yield socket.create_server(("127.0.0.1", 0))
    yield socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    yield socket.socketpair()[0]
    yield tempfile.TemporaryFile()
    reading, writing = os.pipe()
    yield os.fdopen(reading, "rb")
    yield os.fdopen(writing, "wb")
    yield open("/dev/null")


def send(path, payload, descriptors):
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.settimeout(10)
    door.connect(path)
    try:
        socket.send_fds(door, [payload], descriptors)
    except OSError:
        pass  # The far end may have hung up on us already.
    return door


def main():
    path, rounds = sys.argv[1], int(sys.argv[2])
    watched = []
    for number in range(rounds):
        files = list(junk())
        near, far = connected_pair()
        doors = [
            send(path, b"x" * (1 + number % 64), [file.fileno() for file in files]),
            send(path, b"H", [far.fileno()]),
            send(path, b"\0", [far.fileno()] * 100),
            send(path, b"", []),
        ]
        for file in files:
            file.close()
        far.close()
        watched.append(near)
        for door in doors:
            door.close()
    held = 0
    deadline = time.monotonic() + 10
    for near in watched:
        # Where it was taken for a client after all, its target ends with it.
        try:
            near.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # Reset already.
    for near in watched:
        near.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            held += near.recv(1) != b""
        except TimeoutError:
            held += 1
        except OSError:
            pass
        near.close()
    print(f"held {held}")


main()
