"""What wsproxy relies on inside mitmproxy and asyncio: each of these says what an upgrade has changed."""

import asyncio
import inspect

import pytest
from h11._receivebuffer import ReceiveBuffer
from mitmproxy import ctx, http
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events, layer, server
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server
from mitmproxy.proxy.layers.tls import TLSLayer

from tests.devices.endpoints import Device
from tests.devices.loop import LoopThread
from tests.mitm.inside import Seen, inside
from tests.mitm.peers import hang_up, opened
from wsproxy.mitm.splice import Leg, SessionReader


def methods(cls: type, *names: str) -> list[str]:
    """Which of these the class does not define or inherit."""
    return [name for name in names if not callable(getattr(cls, name, None))]


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        (Http1Connection, ("make_pipe", "passthrough", "mark_done", "read_body", "_handle_event")),
        (Http1Server, ("read_headers", "send", "wait", "mark_done")),
        (Http1Client, ("read_headers", "send")),
        (
            http_layers.HttpStream,
            ("check_invalid", "send_response", "flow_done", "passthrough", "state_errored", "_handle_event"),
        ),
        (http_layers.HttpLayer, ("event_to_child", "make_stream")),
        (layer.Layer, ("handle_event", "_handle_event")),
        (layer.NextLayer, ("data_client", "data_server")),
        (NextLayer, ("_next_layer",)),
        (TLSLayer, ("receive_close", "send_close", "tls_interact")),
        (server.ConnectionHandler, ("server_event", "handle_connection", "drain_writers")),
        (ReceiveBuffer, ("_extract", "maybe_extract_lines", "maybe_extract_at_most")),
    ],
)
def test_what_is_overridden_or_called_is_there(cls: type, names: tuple[str, ...]) -> None:
    assert not methods(cls, *names)


def test_next_layers_own_choice_takes_what_it_is_given() -> None:
    assert list(inspect.signature(NextLayer._next_layer).parameters) == [
        "self",
        "context",
        "data_client",
        "data_server",
    ]


def test_heads_are_written_a_field_a_line_in_order() -> None:
    lines = [b"GET / HTTP/1.1", b"B: 1", b"a: 2", b"B: 3"]
    request = http1.read_request_head(lines)
    assert http1.assemble_request_head(request) == b"\r\n".join(lines) + b"\r\n\r\n"


def test_a_blocking_command_stops_a_layer_but_not_what_overrides_it() -> None:
    """Observe mode relays in `handle_event`, and lets addons see in `_handle_event`."""
    seen = []

    class Hook(commands.Command):
        blocking = True

    class Overriding(layer.Layer):
        def handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
            seen.append("at once")
            yield from super().handle_event(event)

        def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
            yield Hook()
            seen.append("in turn")

    made = Overriding.__new__(Overriding)
    made._paused = None
    made._paused_event_queue = __import__("collections").deque()
    [first] = made.handle_event(events.Start())
    assert list(made.handle_event(events.Start())) == []
    assert seen == ["at once", "at once"]
    assert first.blocking is made


def test_a_sessions_connection_is_as_expected(loop: LoopThread, device: Device) -> None:
    """The handler, its transports, readers and watchdog; then that all of them are taken over."""
    seen = Seen()

    def look() -> list[bool]:
        handler = ctx.master.addons.get("proxyserver").connections[seen.flows[0].client_conn.id]
        client, served = (
            handler.transports[seen.flows[0].client_conn],
            handler.transports[seen.flows[0].server_conn],
        )
        return [
            isinstance(handler, server.ConnectionHandler),
            handler.timeout_watchdog.timeout > 365 * 24 * 3600,
            all(isinstance(io.handler, asyncio.Task) for io in (client, served)),
            all(isinstance(io.writer, asyncio.StreamWriter) for io in (client, served)),
            all(type(io.reader) is SessionReader for io in (client, served)),
            all(isinstance(io.writer.transport.get_protocol(), Leg) for io in (client, served)),
        ]

    with inside(device, seen) as proxy:
        client, served = loop.run(opened(device, proxy.port))
        seen.wait(lambda: bool(seen.flows))
        assert all(proxy.call(look))
        loop.run(hang_up(client, served))


def test_a_reader_says_when_it_is_idle_and_forgets_nothing_at_a_reset() -> None:
    async def read() -> tuple[list[str], bytes]:
        notes: list[str] = []
        reader = asyncio.StreamReader()
        reading = asyncio.ensure_future(reader.read(10))
        await asyncio.sleep(0)
        reader.__class__ = SessionReader
        assert isinstance(reader, SessionReader)
        assert reader.idle
        reader.feed_data(b"0123456789abc")
        assert not reader.idle
        reader.when_idle = lambda: notes.append("idle")
        await reading
        assert await reader.read(2) == b"ab"
        assert notes == []
        reader.set_exception(ConnectionResetError())
        rest = await reader.read(10)
        with pytest.raises(ConnectionResetError):
            await reader.read(10)
        return notes, rest

    assert asyncio.run(read()) == (["idle"], b"c")


def test_flows_can_carry_a_raw_head() -> None:
    request = http.Request.make("GET", "http://device/")
    assert not hasattr(request, "wsproxy_head")
    request.wsproxy_head = b"kept"  # type: ignore[attr-defined]
    assert request.wsproxy_head == b"kept"  # type: ignore[attr-defined]
