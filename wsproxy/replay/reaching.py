"""Connecting to a live device."""

import asyncio
import ssl

from wsproxy.errors import ReachError
from wsproxy.replay.asking import Address
from wsproxy.replay.link import Link
from wsproxy.store.model import TcpEnd


class DeviceLink(Link):
    """The connection to a device; `how` tells how it ended its direction."""

    how = TcpEnd.OPEN

    def eof_received(self) -> bool:
        """It has half-closed."""
        self.how = TcpEnd.FIN
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if self.how is TcpEnd.OPEN:
            self.how = TcpEnd.RST if isinstance(exc, OSError) else TcpEnd.FIN
        super().connection_lost(exc)


async def reach(link: DeviceLink, address: Address, *, timeout_s: float, insecure: bool) -> None:
    """Connect `link` to the device; `insecure` accepts any certificate. Raises ReachError."""
    context = _tls(insecure) if address.tls else None
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            await loop.create_connection(
                lambda: link,
                address.host,
                address.port,
                ssl=context,
                server_hostname=address.host if context else None,
            )
    except TimeoutError:
        raise ReachError(
            f"{address} does not answer within {timeout_s:g} s: is it the right address?"
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise ReachError(
            f"the certificate of {address} is not trusted ({error.verify_message}): use --insecure"
        ) from error
    except ssl.SSLError as error:
        raise ReachError(
            f"cannot speak TLS with {address} ({error.reason or error}): if it speaks none, write ws://"
        ) from error
    except (OSError, UnicodeError) as error:
        raise ReachError(
            f"cannot connect to {address}: {error}; is the device on, and the address right?"
        ) from error


def _tls(insecure: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
