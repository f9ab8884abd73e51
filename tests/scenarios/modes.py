"""The ways a proxy can stand between a client and a device, by name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mode:
    """How the proxy is started and how the client reaches the device through it.

    `spec` is mitmproxy's mode, `{device}` the device's port, `{upstream}` another proxy's; "" stands for the
    `wsproxy record` command. `tunnel`: what the client asks the proxy first. `scripts` are addons of
    this folder's.
    """

    name: str
    spec: str
    options: tuple[str, ...] = ()
    tunnel: str = ""
    device_tls: bool = False
    client_tls: bool = False
    scripts: tuple[str, ...] = ()

    @property
    def tls(self) -> bool:
        """Whether any leg is encrypted."""
        return self.device_tls or self.client_tls


_REVERSE = "reverse:http://127.0.0.1:{device}"
_REVERSE_TLS = "reverse:https://127.0.0.1:{device}"

MODES = {
    mode.name: mode
    for mode in (
        Mode("reverse", _REVERSE),
        Mode("command", ""),
        Mode("layer", _REVERSE, ("wsproxy_splice=false",)),
        Mode("watched", _REVERSE, scripts=("watch.py",)),
        Mode("normalizing", _REVERSE, ("wsproxy_normalize=strict",)),
        Mode("intercept", _REVERSE, ("wsproxy_intercept=true",)),
        Mode("dawdling", _REVERSE, ("wsproxy_intercept=true",), scripts=("dawdle.py",)),
        Mode("wss-device", _REVERSE_TLS, device_tls=True),
        Mode("wss-client", _REVERSE, client_tls=True),
        Mode("wss-both", _REVERSE_TLS, device_tls=True, client_tls=True),
        Mode("connect", "regular", tunnel="connect"),
        Mode("connect-tls", "regular", tunnel="connect", device_tls=True, client_tls=True),
        Mode("socks5", "socks5", tunnel="socks5"),
        Mode("upstream", "upstream:http://127.0.0.1:{upstream}", tunnel="connect"),
    )
}
