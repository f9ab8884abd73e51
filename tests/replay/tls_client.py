"""A client over TLS.

Not that of `websockets.sync`: it reads and writes one TLS connection from two threads, which Python's `ssl`
does not bear (python/cpython#151508); one in some hundred connections waits for ever.
"""

import asyncio
import ssl

from websockets.asyncio.client import connect

_PATIENCE_S = 20.0


def first_message(url: str, trusted: ssl.SSLContext) -> str | bytes:
    """What a device says first. Raises ssl.SSLCertVerificationError if it is not trusted."""

    async def hear() -> str | bytes:
        async with asyncio.timeout(_PATIENCE_S), connect(url, ssl=trusted) as client:
            return await client.recv()

    return asyncio.run(hear())
