"""No network: 100 B frames from chunks of 64 KiB to objects, by wsproxy and by two libraries of clients."""

from collections.abc import Callable, Iterable
from time import perf_counter

import wsproto.frame_protocol
from websockets import protocol as websockets_protocol

from bench import wire
from bench.client import BenchError
from bench.scale import Scale
from bench.workloads import Row

SIZE, CHUNK = 100, 1 << 16
WSPROXY, WEBSOCKETS, WSPROTO = "wsproxy FrameDecoder", "websockets Sans-I/O", "wsproto"
type Decode = Callable[[Iterable[bytes]], int]


def rows() -> tuple[Row, ...]:
    """The two rows: what a server sends, what a client sends."""
    return Row("decode_unmasked", "unmasked frame", "us"), Row("decode_masked", "masked frame", "us")


def measure(decoder: str, scale: Scale) -> dict[str, float]:
    """Microseconds a frame, for each row; BenchError when the decoder loses one."""
    count = scale.decoded_frames
    return {
        "decode_unmasked": _time(DECODERS[decoder](False), wire.server_frame(b"x" * SIZE), count),
        "decode_masked": _time(DECODERS[decoder](True), wire.client_frame(b"x" * SIZE), count),
    }


def _time(decode: Decode, frame: bytes, count: int) -> float:
    stream = frame * count
    chunks = [stream[start : start + CHUNK] for start in range(0, len(stream), CHUNK)]
    start = perf_counter()
    decoded = decode(chunks)
    elapsed = perf_counter() - start
    if decoded != count:
        raise BenchError(f"{decoded} of {count} frames decoded")
    return elapsed / count * 1e6


def _wsproxy(masked: bool) -> Decode:
    from wsproxy.protocol.decoder import FrameDecoder

    receive = FrameDecoder().receive_data
    return lambda chunks: sum(len(receive(chunk)) for chunk in chunks)


def _websockets(masked: bool) -> Decode:
    side = websockets_protocol.Side.SERVER if masked else websockets_protocol.Side.CLIENT
    connection = websockets_protocol.Protocol(side, state=websockets_protocol.OPEN)

    def decode(chunks: Iterable[bytes]) -> int:
        count = 0
        for chunk in chunks:
            connection.receive_data(chunk)
            count += len(connection.events_received())
        return count

    return decode


def _wsproto(masked: bool) -> Decode:
    connection = wsproto.frame_protocol.FrameProtocol(client=not masked, extensions=[])

    def decode(chunks: Iterable[bytes]) -> int:
        count = 0
        for chunk in chunks:
            connection.receive_bytes(chunk)
            count += sum(frame.frame_finished for frame in connection.received_frames())
        return count

    return decode


DECODERS: dict[str, Callable[[bool], Decode]] = {
    WSPROXY: _wsproxy,
    WEBSOCKETS: _websockets,
    WSPROTO: _wsproto,
}
