#!/usr/bin/python3
"""Holds one connection to an echoing server: sends a numbered line, expects it back, and tells the number; says why it ends."""
import socket
import sys
import time

with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10) as connection:
    print("local", connection.getsockname()[1], flush=True)
    stream = connection.makefile("rwb", buffering=0)
    number = 0
    while True:
        line = b"%d\n" % number
        try:
            stream.write(line)
            answer = stream.readline()
        except OSError as error:
            sys.exit("broken: %s" % error)
        if answer != line:
            sys.exit("broken: %r instead of %r" % (answer, line))
        print("echoed", number, flush=True)
        number += 1
        time.sleep(0.02)
