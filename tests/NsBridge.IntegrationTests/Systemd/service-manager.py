"""Runs a program as a service manager does that keeps descriptors (FDSTORE=1) and starts it again whenever it ends.

Usage: service-manager.py SOCKET PROGRAM ARGUMENT...
SOCKET is where the manager listens for notifications. Prints 'started PID', and 'ended CODE' for each process of the service.
SIGTERM stops the service: nothing is started again, and what is kept is closed.
"""
import array
import os
import select
import signal
import socket
import sys
import time

FIRST_DESCRIPTOR = 3
PAUSE_SECONDS = 0.2

kept = []
stopping = False


def stop(*_):
    global stopping
    stopping = True


def start(program, address):
    # A signal to the service waits until the child has the default handler: the manager's would swallow it.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    process = os.fork()
    if process:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        print(f"started {process}", flush=True)
        return process
    # Above all the places they go to first, or one would be closed by the move of another.
    high = [os.dup2(descriptor, 500 + at) for at, (_, descriptor) in enumerate(kept)]
    for at, descriptor in enumerate(high):
        os.dup2(descriptor, FIRST_DESCRIPTOR + at)
    os.closerange(FIRST_DESCRIPTOR + len(kept), 1000)
    environment = dict(
        os.environ, NOTIFY_SOCKET=address, LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(kept)), LISTEN_FDNAMES=":".join(name for name, _ in kept))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    # Whatever service the tests themselves run in is not this one.
    os.execvpe("unshare", ["unshare", "--cgroup", *program], environment)


def hear(notifications):
    message, ancillary, _, _ = notifications.recvmsg(4096, socket.CMSG_LEN(64))
    descriptors = array.array("i")
    for _, _, data in ancillary:
        descriptors.frombytes(data)
    fields = dict(line.split("=", 1) for line in message.decode().splitlines())
    if "FDSTORE" in fields:
        kept.extend((fields["FDNAME"], descriptor) for descriptor in descriptors)
        return
    for descriptor in descriptors:
        os.close(descriptor)
    if "FDSTOREREMOVE" in fields:
        for entry in [entry for entry in kept if entry[0] == fields["FDNAME"]]:
            os.close(entry[1])
            kept.remove(entry)


def main():
    address, program = sys.argv[1], sys.argv[2:]
    notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notifications.bind(address)
    signal.signal(signal.SIGTERM, stop)
    while not stopping:
        process = start(program, address)
        code = None
        while code is None:
            if stopping:
                os.kill(process, signal.SIGTERM)
            ended, status = os.waitpid(process, os.WNOHANG)
            # All that it said before it ended is heard first.
            while select.select([notifications], [], [], 0 if ended else 0.02)[0]:
                hear(notifications)
            if ended:
                code = os.waitstatus_to_exitcode(status)
        print(f"ended {code}", flush=True)
        time.sleep(PAUSE_SECONDS)


main()
