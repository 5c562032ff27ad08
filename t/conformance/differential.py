"""Sends frames by chance to a server that echoes, and compares what comes with
what wsproto, another implementation, makes of the same bytes.

Arguments: host, port, path, how many sequences, a seed.
"""

import random
import socket
import struct
import sys

from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed

host, port, path, rounds, seed = sys.argv[1:]
random.seed(int(seed))

TEXTS = (b"", b"a", "äöü€😀".encode(), b"\xff", b"\xc3", b"\xed\xa0\x80",
         b"\xf4\x90\x80\x80", b"x" * 125, b"x" * 126, b"y" * 3000,
         b"x" * 65535, b"z" * 65536)


def frame(opcode, payload, fin=True, rsv=0, masked=True, bits=None,
          length=None):
    if length is None:
        length = len(payload)

    if bits is None:
        bits = 7 if length < 126 else 16 if length < 65536 else 64

    mark = 128 if masked else 0
    head = bytes([128 * fin | rsv << 4 | opcode])
    head += (bytes([mark | length]) if bits == 7 else
             struct.pack("!BH", mark | 126, length) if bits == 16 else
             struct.pack("!BQ", mark | 127, length))

    if not masked:
        return head + payload

    mask = random.randbytes(4)
    repeated = mask * (len(payload) // 4 + 1)

    return head + mask + bytes(a ^ b for a, b in zip(payload, repeated))


def any_frame(state):
    dice = random.random()

    if dice < 0.2:
        return frame(random.choice((9, 10)), random.randbytes(
            random.choice((0, 1, 4, 125))))

    if dice < 0.23:
        code = random.choice((1000, 1001, 1003, 1007, 3000, 4999, 999, 1005,
                              1015, 2000, 5000, 0))
        return frame(8, struct.pack("!H", code)
                     + random.choice((b"", b"bye", b"\xff", b"\xc3\xa9")))

    if dice < 0.25:
        return frame(8, random.choice((b"", b"\x03")))

    if dice < 0.29:                     # something that is wrong
        return random.choice((
            frame(random.randrange(16), b"a", rsv=random.randrange(8)),
            frame(1, b"a", masked=False),
            frame(random.randrange(8, 16), b"a", fin=False),
            frame(9, b"p" * 126),
            frame(1, b"a", bits=random.choice((16, 64))),
            frame(2, b"x" * 200, bits=64),
            frame(0, b"a"), frame(1, b"b"),
            frame(1, b"", bits=64, length=2**63 + 5),
        ))

    fin = random.random() < 0.6
    opcode = 0 if state["open"] else random.choice((1, 2))
    state["open"] = not fin

    return frame(opcode, random.choice(TEXTS if random.random() < 0.3
                                       else TEXTS[:3]), fin)


# what wsproto makes of it: what is sent back, and how it ends

def judge(data):
    protocol = FrameProtocol(client=False, extensions=[])
    sent = []
    whole = None

    try:
        protocol.receive_bytes(data)

        for got in protocol.received_frames():
            if got.opcode is Opcode.PING:
                sent.append((10, bytes(got.payload)))

            elif got.opcode is Opcode.CLOSE:
                return sent, int(got.payload[0])

            elif got.opcode in (Opcode.TEXT, Opcode.BINARY):
                part = (got.payload.encode() if got.opcode is Opcode.TEXT
                        else bytes(got.payload))
                whole = part if whole is None else whole + part

                if got.message_finished:
                    sent.append((int(got.opcode), whole))
                    whole = None

    except ParseFailed as error:
        return sent, int(error.code)

    return sent, "open"


class Connection:
    def __init__(self):
        self.socket = socket.create_connection((host, int(port)), 20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        self.data = b""

        while b"\r\n\r\n" not in self.data:
            self.data += self.socket.recv(65536)

        self.data = self.data.split(b"\r\n\r\n", 1)[1]

    def need(self, n):
        while len(self.data) < n:
            more = self.socket.recv(65536)

            if not more:
                raise EOFError

            self.data += more

        taken, self.data = self.data[:n], self.data[n:]

        return taken

    def frame(self):
        first, length = self.need(2)

        if length == 126:
            length, = struct.unpack("!H", self.need(2))
        elif length == 127:
            length, = struct.unpack("!Q", self.need(8))

        return first & 128, first & 15, self.need(length)


def outcome(data):
    connection = Connection()
    sent = []

    # in pieces, as the network might
    at = 0

    try:
        while at < len(data):
            n = random.choice((1, 2, 3, 7, 100, 5000, len(data)))
            connection.socket.sendall(data[at:at + n])
            at += n

        connection.socket.sendall(frame(9, b"STILL"))
    except (BrokenPipeError, ConnectionResetError):
        pass                            # it has ended, and said why

    try:
        while True:
            fin, opcode, payload = connection.frame()

            if opcode == 10 and payload == b"STILL":
                return sent, "open"

            if opcode == 8:
                return sent, (struct.unpack("!H", payload[:2])[0] if payload
                              else 1005)

            if opcode == 10:
                sent.append((10, payload))
                continue

            if opcode:
                kind, whole = opcode, payload
            else:
                whole += payload

            if fin:
                sent.append((kind, whole))

    except (EOFError, ConnectionResetError):
        return sent, "ended"
    finally:
        connection.socket.close()


different = 0

for n in range(int(rounds)):
    state = {"open": False}
    data = b"".join(any_frame(state) for _ in range(random.randrange(1, 12)))
    ours, theirs = outcome(data), judge(data)

    if ours != theirs:
        different += 1
        print(n, data[:60].hex(), "here:", [len(p) for _, p in ours[0]],
              ours[1], "wsproto:", [len(p) for _, p in theirs[0]], theirs[1])

print(rounds, "sequences,", different, "judged differently")
sys.exit(1 if different else 0)
