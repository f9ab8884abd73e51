"""Choosing the layers of a new connection: mitmproxy's own choice, made when enough is known, and retyped.

Relies on the `nextlayer` addon's `_next_layer(context, data_client, data_server)` returning a stack of layers
or raising NeedsMoreData, and on it being asked anew with each chunk for as long as nobody has chosen.
"""

import re
from typing import Any, cast

from mitmproxy import exceptions
from mitmproxy.addons.next_layer import NeedsMoreData
from mitmproxy.proxy.layer import NextLayer

from wsproxy.mitm.http_layers import SessionOpener, retype
from wsproxy.mitm.internals import find_addon

_TLS_HANDSHAKE = 0x16
_TLS_TOLD_AT = 3
_METHODS = (b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"PATCH", b"DELETE", b"TRACE")
_BEFORE_A_REQUEST = b"\r\n\t \0\xef\xbb\xbf"
_REQUEST_LINE = re.compile(rb"([A-Z]+)[ \t]+[^ \t\r\n][^\r\n]*[ \t]HTTP[^\r\n]*", re.IGNORECASE)


def choose_layer(asked: NextLayer, opener: SessionOpener) -> None:
    """Choose, unless another addon has; raises AddonHalt to wait for more data."""
    if asked.layer is None and (built_in := find_addon("nextlayer")) is not None:
        untyped = cast(Any, asked)
        data, server_data = untyped.data_client(), untyped.data_server()
        if asked.context.client.transport_protocol == "tcp" and not server_data:
            if _undecided(data):
                raise exceptions.AddonHalt
            data = _as_expected(data)
        try:
            asked.layer = built_in._next_layer(asked.context, data, server_data)
        except NeedsMoreData as more:
            raise exceptions.AddonHalt from more
    retype(asked.layer, opener)


def _undecided(data: bytes) -> bool:
    """Whether this may be the beginning of TLS or of a request, of which mitmproxy would make raw TCP."""
    if data[:1] and data[0] == _TLS_HANDSHAKE:
        return len(data) < _TLS_TOLD_AT
    line = data.lstrip(_BEFORE_A_REQUEST)
    if not data or b"\n" in line or (b"\r" in line and _REQUEST_LINE.match(line)):
        return False
    method, *space = re.split(rb"[ \t]", line.upper(), maxsplit=1)
    return method in _METHODS if space else any(known.startswith(method) for known in _METHODS)


def _as_expected(data: bytes) -> bytes:
    """The data as mitmproxy's patterns expect it: nothing before a request, one space behind its method,
    lines ended by CRLF.
    """
    head = data.lstrip(_BEFORE_A_REQUEST)
    line = _REQUEST_LINE.match(head)
    if line is None:
        return data
    return line[1] + b" / HTTP/1.1" + re.sub(rb"\r?\n|\r", b"\r\n", head[line.end() :])
