#!/usr/bin/python3
"""Datagrams of every size and in bursts that the kernel cuts and joins (UDP_SEGMENT, UDP_GRO): 'serve PORT' sends back what comes, 'ask PORT' expects that."""
import socket
import struct
import sys

UDP_SEGMENT = 103
UDP_GRO = 104
LONGEST = 65_507
SEGMENT = 1_200
BURST = 40


def serve(server):
    server.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    while True:
        data, extras, _, sender = server.recvmsg(65_535, socket.CMSG_SPACE(4))
        # What came as one message leaves as one.
        sizes = [struct.unpack("i", value)[0] for level, kind, value in extras if (level, kind) == (socket.IPPROTO_UDP, UDP_GRO)]
        server.sendmsg([data], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", size)) for size in sizes if size < len(data)], 0, sender)


def ask(client):
    client.settimeout(5)
    for size in (0, 1, SEGMENT, 1_472, 9_000, LONGEST):
        client.send(b"s" * size)
        if client.recv(LONGEST + 1) != b"s" * size:
            sys.exit("another datagram than the %d bytes sent" % size)
    print("sizes")
    for number in range(100):
        burst = [struct.pack("II", number, place) * (SEGMENT // 8) for place in range(BURST)]
        client.sendmsg([b"".join(burst)], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", SEGMENT))])
        for place in range(BURST):
            if client.recv(LONGEST + 1) != burst[place]:
                sys.exit("another datagram than number %d of burst %d" % (place, number))
    print("bursts")


end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
address = ("127.0.0.1", int(sys.argv[2]))
if sys.argv[1] == "serve":
    end.bind(address)
    serve(end)
else:
    end.connect(address)
    ask(end)
