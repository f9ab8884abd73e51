"""`wsproxy record`: be the proxy, show what passes, keep it."""

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wsproxy.cli import flags
from wsproxy.errors import UsageError, WsproxyError

if TYPE_CHECKING:
    from wsproxy.mitm.run import ProxyFacts, ProxySettings
    from wsproxy.mitm.target import Target

_DEFAULT_RECORDING = "recordings/wsproxy.db"
_PAYLOAD_LINES = 20
_WILDCARDS = ("0.0.0.0", "::", "")
_EXAMPLES = """\b
Examples:
  wsproxy record ws://192.0.2.7:9006
  wsproxy record wss://192.0.2.7 --insecure -p 8443 -o device.db
  wsproxy record ws://192.0.2.7:9006 --redact defaults --redact json:/params/token
  wsproxy record ws://192.0.2.7:9006 --normalize
  wsproxy record --mode regular
  wsproxy record ws://192.0.2.7:9006 -s my_addon.py --set my_option=1
"""


@click.command(epilog=_EXAMPLES, short_help="Relay, show and record what passes.")
@click.argument("target", required=False)
@click.option(
    "-p",
    "--listen-port",
    type=click.IntRange(0, 65535),
    help="Port to listen on, 0 for a free one.  [default: 8080, socks5 1080]",
)
@flags.listen_host
@click.option(
    "-o",
    "--recording",
    default=_DEFAULT_RECORDING,
    show_default=True,
    metavar="PATH|URL",
    help="Where to record: a SQLite file or a database.",
)
@click.option("--no-recording", is_flag=True, help="Relay and show, but record nothing.")
@click.option(
    "--redact",
    multiple=True,
    metavar="RULE",
    help=f"Take secrets out before anything is recorded or shown: {flags.REDACTIONS}.",
)
@click.option("--mode", help=f"Be another kind of proxy, without TARGET: {flags.MODES}.")
@flags.insecure
@click.option("--legacy-tls", is_flag=True, help="Speak TLS 1.0 and weak ciphers with the device.")
@click.option(
    "--normalize",
    is_flag=False,
    flag_value="strict",
    default="",
    metavar="[=PROFILE]",
    help="Repair what departs from RFC 6455, by the profile strict, another profile, or a TOML file.",
)
@click.option(
    "--rules", default="", metavar="FILE", help="Switch single rules of the profile on or off (TOML)."
)
@click.option("--intercept", is_flag=True, help="Hold each message until addons have seen it.")
@click.option("-s", "--script", "scripts", multiple=True, metavar="FILE", help="Load a mitmproxy addon.")
@click.option(
    "--set",
    "set_options",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set an option of mitmproxy or an addon.",
)
@click.option("--web", is_flag=True, help="Serve mitmproxy's web interface too.")
@flags.dialect("--client-dialect", "the client writes")
@flags.dialect("--server-dialect", "the device writes")
@click.option(
    "--on-store-error",
    type=click.Choice(["stop", "relay"]),
    default="stop",
    show_default=True,
    help="When recording fails: stop, so that nothing passes unrecorded, or keep relaying.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show no frames.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    help="Show frames as text or as JSON lines.",
)
def record(
    target: str | None,
    mode: str | None,
    recording: str,
    no_recording: bool,
    quiet: bool,
    style: str,
    **settings: Any,
) -> None:
    """Stand between a WebSocket client and the device at TARGET (ws://HOST:PORT or wss://HOST:PORT):
    relay without changing a byte, show every frame of both sides, and record each session. Ctrl-C ends
    it.

    Give your client the URL this prints. With --mode, tell your client to use this proxy instead.
    """
    from wsproxy.mitm.run import ProxySettings

    _check(recording, settings["normalize"], settings["set_options"])
    device = _device(target, mode)
    notices = _Notices()
    place = None if no_recording else recording

    def say_where(urls: list[str]) -> None:
        _say_where(urls, device, settings, place)
        notices.listening = True

    if no_recording:
        settings["on_store_error"] = "relay"
    chosen = ProxySettings(
        mode=device.mode if device else str(mode),
        recording=place,
        on_listening=say_where,
        on_web=lambda url: _tell(f"Web interface  {url}"),
        on_notice=notices.say,
        ends_process=True,
        **settings,
    )
    try:
        facts = _run(chosen, quiet, style)
    except WsproxyError as error:
        if notices.said(str(error)):
            sys.exit(error.exit_code)
        raise
    _say_what(facts)


def _check(recording: str, profile: str, set_options: Sequence[str]) -> None:
    """Raise UsageError for what was surely meant otherwise."""
    if "://" in profile:
        raise UsageError(
            f"{profile} was taken for a profile: write --normalize=strict, or TARGET before --normalize"
        )
    if not recording or any(each.startswith("wsproxy_recording") for each in set_options):
        raise UsageError("say where to record with -o PATH or a URL, or --no-recording")


def _tell(line: str) -> None:
    """What cannot be told, for want of room where standard error goes, is no reason not to record."""
    with suppress(OSError):
        click.echo(line, err=True)


class _Notices:
    """Lines to read while the proxy runs. What goes wrong before it listens is said by the error it ends
    with.
    """

    def __init__(self) -> None:
        self.listening = False
        self._latest: deque[str] = deque(maxlen=32)

    def say(self, line: str) -> None:
        """Print a line."""
        if self.listening:
            self._latest.append(line)
            _tell(line)

    def said(self, text: str) -> bool:
        """Whether that has been printed already."""
        return any(text in line for line in self._latest)


def _device(target: str | None, mode: str | None) -> "Target | None":
    if target and mode:
        raise UsageError("give either TARGET or --mode: with --mode, clients say which device they want")
    if mode:
        return None
    if not target:
        raise UsageError("say which device: wsproxy record ws://HOST:PORT (or --mode regular, for any)")
    from wsproxy.mitm.target import parse_target

    return parse_target(target)


def _run(settings: "ProxySettings", quiet: bool, style: str) -> "ProxyFacts":
    from dataclasses import replace

    from wsproxy.cli.live import LiveDisplay
    from wsproxy.cli.paint import Output
    from wsproxy.cli.ration import LiveLimits
    from wsproxy.cli.views import JsonView, TextView
    from wsproxy.mitm.run import Proxy

    if quiet:
        return Proxy(settings).run()

    def stop() -> None:
        proxy.stop()

    text = TextView(limit=_PAYLOAD_LINES, numbered=True, recorded=settings.recording is not None)
    display = LiveDisplay(
        JsonView() if style == "jsonl" else text,
        Output(),
        limits=LiveLimits(frames_per_second=0) if style == "jsonl" else LiveLimits(),
        on_broken=stop,
    )
    proxy = Proxy(replace(settings, observers=[display]))
    try:
        return proxy.run()
    finally:
        display.close()


def _say_where(
    urls: Sequence[str], device: "Target | None", settings: dict[str, Any], recording: str | None
) -> None:
    from wsproxy.store.location import shown_place

    for line in _where_lines(urls, device, settings):
        _tell(line)
    kept = f"Recording to {shown_place(recording)}." if recording else "Nothing is recorded."
    _tell(f"{kept} Ctrl-C ends it.")


def _where_lines(urls: Sequence[str], device: "Target | None", settings: dict[str, Any]) -> Iterator[str]:
    for url in urls:
        if url.startswith("ws://"):
            yield f"Give your client  {url}{device.path if device else ''}"
        else:
            yield f"Set your client's proxy to  {url}"
    if not urls:
        yield "What the operating system redirects here is relayed."
    if settings["listen_host"] in _WILDCARDS:
        here = urls[0].partition("://")[2].rpartition(":")[0] if urls else "127.0.0.1"
        yield f"From other machines, with this machine's name in place of {here}."
    if device is None or device.tls:
        certificate = _certificate(settings["set_options"])
        yield f"A client that speaks TLS must trust  {certificate}"
        yield (
            f"  for example with SSL_CERT_FILE={certificate} (Python, OpenSSL), NODE_EXTRA_CA_CERTS (Node.js)"
            " or curl --cacert"
        )


def _certificate(set_options: Sequence[str]) -> Path:
    """Where mitmproxy keeps the certificate of its authority."""
    folder = "~/.mitmproxy"
    for option in set_options:
        name, _, value = option.partition("=")
        folder = value if name == "confdir" and value else folder
    return Path(folder).expanduser() / "mitmproxy-ca-cert.pem"


def _say_what(facts: "ProxyFacts") -> None:
    sessions = f"{facts.sessions} session{'s' * (facts.sessions != 1)}"
    recording = facts.recording
    if recording is None:
        _tell(f"Relayed {sessions}; nothing was recorded.")
    elif not (facts.sessions or facts.exchanges):
        _tell("No session passed: nothing was recorded.")
    else:
        from wsproxy.store.location import shown_place

        place = shown_place(recording)
        frames = f"{facts.frames:,} frame{'s' * (facts.frames != 1)}"
        exchanges = f"{facts.exchanges:,} HTTP exchange{'s' * (facts.exchanges != 1)}"
        if facts.sessions:
            _tell(f"Recorded {sessions} with {frames} in {place}")
            _tell(f"Look at them with  wsproxy show {place}")
        else:
            _tell(f"No session passed; recorded {exchanges} in {place}")
            _tell(f"Look at them with  wsproxy show --http {place}")
