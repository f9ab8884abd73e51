"""A process to be killed: it records streams that everybody knows, and logs what has passed and when.

Usage: feeder.py PLACE LOG KIND PAUSE. The log has a line a chunk, written before the chunk is recorded, as a
relay sends on before it looks: time in ns, session, side, bytes so far on that side, ns spent waiting for
back-pressure. While nothing passes, a line is repeated every few milliseconds as long as the machine lets it.
"""

import sys
import threading
import time

from wsproxy.protocol.frame import Side
from wsproxy.store.model import SessionStart
from wsproxy.store.writer import Recorder

SESSIONS = 3
HEAD = b"GET / HTTP/1.1\r\n\r\n"
BEAT_S = 0.005


def chunk_of(kind: str, number: int) -> bytes:
    """Chunk `number` of a side's endless stream."""
    if kind == "small":
        return (b"\x82\x64" + bytes([number % 256]) * 100) * (1 + number % 7)
    if kind == "tiny":
        return b"\x89\x00" * 10_000
    if kind == "dripping":
        # A frame of 40,000 bytes, which is kept back until it is whole, a few bytes at a time.
        frame = b"\x82\x7e\x9c\x40" + bytes(40_000)
        return (frame[100 * (number % 401) :])[:100]
    # One frame without end: all there is of it are pieces.
    head = b"\x82\x7f\x7f" + b"\xff" * 7 if number == 0 else b""
    return head + bytes([number % 256]) * (1 + number * 37 % 3000)


def stream(kind: str, size: int) -> bytes:
    """The first `size` bytes of a side's stream."""
    data = bytearray()
    number = 0
    while len(data) < size:
        data += chunk_of(kind, number)
        number += 1
    return bytes(data[:size])


def main(place: str, log_path: str, kind: str, pause: float) -> None:
    """Feed until killed."""
    relaxed = threading.Event()
    relaxed.set()

    def on_pressure(pressed: bool) -> None:
        if pressed:
            relaxed.clear()
        else:
            relaxed.set()

    recorder = Recorder(place, on_failure=lambda error: None, on_pressure=on_pressure)
    recorder.start()
    starts = [
        SessionStart(time.time_ns(), f"127.0.0.1:{number}", "device:1", "ws://device/", HEAD, HEAD)
        for number in range(SESSIONS)
    ]
    sessions = [recorder.open_session(start) for start in starts]
    passed = {(index, side): (0, 0) for index in range(SESSIONS) for side in Side}
    waited = 0
    print("ready", flush=True)
    with open(log_path, "w", buffering=1, encoding="ascii") as log:

        def write(index: int, side: Side) -> int:
            now = time.time_ns()
            log.write(f"{now} {index} {side} {passed[index, side][1]} {waited}\n")
            return now

        while True:
            for (index, side), (number, size) in passed.items():
                while not relaxed.is_set():
                    began = time.time_ns()
                    relaxed.wait(BEAT_S)
                    waited += time.time_ns() - began
                    write(0, Side.CLIENT)
                data = chunk_of(kind, number)
                passed[index, side] = (number + 1, size + len(data))
                sessions[index].receive_data(side, data, write(index, side))
            until = time.monotonic() + pause
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(left, BEAT_S))
                write(0, Side.CLIENT)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
