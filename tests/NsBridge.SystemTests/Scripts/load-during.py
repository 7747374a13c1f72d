#!/usr/bin/python3
"""Loads an echoing port of 127.0.0.1 while a command runs, and fails where a client notices: load-during PORT IDLE STREAMS COMMAND.

IDLE connections wait, and each has to answer at the end; some are asked all the time, which gives the longest wait for an echo.
STREAMS send random bytes both ways, compared by digest. A new connection is opened every few milliseconds. With IDLE and STREAMS
both 0 connections may break, as in a crash, but none may be refused, and each that was opened after the command has to answer.
"""
import hashlib
import random
import resource
import socket
import subprocess
import sys
import threading
import time

PORT, IDLE, STREAMS, COMMAND = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
DEADLINE = 20
MAY_BREAK = IDLE == 0 and STREAMS == 0

resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
faults = []
over = threading.Event()
opened = 0
longest = 0.0


def connect():
    return socket.create_connection(("127.0.0.1", PORT), timeout=DEADLINE)


def ask(connection, word):
    connection.sendall(word)
    left = len(word)
    while left:
        answer = connection.recv(left)
        if not answer:
            raise ConnectionError("ended")
        left -= len(answer)


def asked_again_and_again(connections):
    global longest
    while not over.is_set():
        for connection in connections:
            begin = time.monotonic()
            try:
                ask(connection, b"there?")
            except OSError as error:
                faults.append("a waiting connection: %r" % error)
                return
            longest = max(longest, time.monotonic() - begin)


def opened_again_and_again():
    global opened
    while not over.is_set():
        try:
            with connect() as connection:
                ask(connection, b"new")
            opened += 1
        except OSError as error:
            if not MAY_BREAK or isinstance(error, ConnectionRefusedError):
                faults.append("a new connection: %r" % error)
        time.sleep(0.003)


def stream(seed):
    sent = hashlib.sha256()
    received = hashlib.sha256()
    try:
        connection = connect()

        def send():
            source = random.Random(seed)
            while not over.is_set():
                block = source.randbytes(source.randint(1, 200_000))
                sent.update(block)
                connection.sendall(block)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        while block := connection.recv(262144):
            received.update(block)
        sender.join()
        if sent.digest() != received.digest():
            faults.append("stream %d: what came back differs" % seed)
    except OSError as error:
        faults.append("stream %d: %r" % (seed, error))


waiting = [connect() for _ in range(IDLE)]
for connection in waiting:
    ask(connection, b"first")
threads = [threading.Thread(target=opened_again_and_again)]
threads += [threading.Thread(target=stream, args=(seed,)) for seed in range(STREAMS)]
threads += [threading.Thread(target=asked_again_and_again, args=(waiting[i::4],)) for i in range(4) if waiting]
for thread in threads:
    thread.start()
time.sleep(0.3)
status = subprocess.run(COMMAND, shell=True).returncode
time.sleep(0.3)
over.set()
for thread in threads:
    thread.join(DEADLINE)
    if thread.is_alive():
        faults.append("a thread hangs")
for connection in waiting:
    try:
        ask(connection, b"last")
    except OSError as error:
        faults.append("a waiting connection at the end: %r" % error)
if MAY_BREAK:
    with connect() as connection:
        ask(connection, b"after")
print("command %d, opened %d, longest wait %d ms, faults %d" % (status, opened, longest * 1000, len(faults)))
print("\n".join(faults[:10]), flush=True)
sys.exit(1 if faults or status or not opened else 0)
