"""TLS as old devices speak it.

Relies on mitmproxy's TlsConfig having put a pyOpenSSL Connection into `tls_start.ssl_conn` before this
addon's hook is called, and on cryptography's binding of SSL_set_options.
"""

from collections.abc import Sequence
from typing import Any, cast

from mitmproxy.tls import TlsData
from OpenSSL import SSL

OPTIONS = ("tls_version_server_min=TLS1", "ciphers_server=ALL:@SECLEVEL=0")
"""mitmproxy options: TLS 1.0, and ciphers, keys and signatures that OpenSSL no longer trusts."""


def early_options(chosen: Sequence[str]) -> list[str]:
    """Those of a user's options that must be set (`defer=True`) before TlsConfig is there.

    Told of a changed version, it asks which ones OpenSSL has, and with OpenSSL 4 that fails (pyOpenSSL raises
    an error for SSL 3).
    """
    return [each for each in chosen if each.startswith(("tls_version_", "ciphers_"))]


class LegacyRenegotiation:
    """Connects to devices that do not know secure renegotiation (RFC 5746), whether or not certificates are
    checked.
    """

    name = "wsproxy_legacy_renegotiation"

    def tls_start_server(self, data: TlsData) -> None:
        """Allow it for this one connection."""
        if data.ssl_conn is not None:
            binding, raw = cast(Any, SSL)._lib, cast(Any, data.ssl_conn)._ssl
            binding.SSL_set_options(raw, SSL.OP_LEGACY_SERVER_CONNECT)
