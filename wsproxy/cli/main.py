"""The `wsproxy` command: its subcommands, and what becomes of everything that goes wrong."""

import atexit
import io
import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

import click

from wsproxy.cli.demo import demo
from wsproxy.cli.diff import diff
from wsproxy.cli.dropped import INTERRUPTED, no_interrupt_is_dropped
from wsproxy.cli.explain import explain
from wsproxy.cli.export import export, import_
from wsproxy.cli.lint import lint
from wsproxy.cli.ls import ls
from wsproxy.cli.paint import printable, writing_to
from wsproxy.cli.record import record
from wsproxy.cli.redact import redact
from wsproxy.cli.replay import replay
from wsproxy.cli.show import show
from wsproxy.errors import WsproxyError


def _open_streams() -> None:
    """Put nothing in the place of a standard stream that the shell has closed (`>&-`): Python has None."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _end_at_once_when_interrupted(code: int) -> None:
    """All is done and said. The interpreter takes its time to end: a signal shortens it, and changes nothing
    about what became of the command.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def end(_signal: int, _frame: FrameType | None) -> None:
        os._exit(code)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
        # At its very end Python gives its handlers up, but lets what is ignored be ignored.
        atexit.register(signal.signal, number, signal.SIG_IGN)


class CommandLine(click.Group):
    """A group in which whatever goes wrong ends in one line on standard error and an exit code.

    0 ok, 1 findings or differences, 2 wrong usage or unusable input, 3 could not connect or listen, 130
    interrupted.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run the command line, and end the process."""
        _open_streams()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            with no_interrupt_is_dropped():
                code = self._exit_code()
            with suppress(OSError):
                sys.stdout.flush()
            _end_at_once_when_interrupted(code)
        except KeyboardInterrupt:
            code = INTERRUPTED
            _end_at_once_when_interrupted(code)
        sys.exit(code)

    def _exit_code(self) -> int:
        try:
            code = self.main(prog_name="wsproxy", standalone_mode=False)
            return code if isinstance(code, int) else 0
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED
        except WsproxyError as error:
            click.echo(f"wsproxy: {printable(str(error))}", err=True)
            return error.exit_code

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; a reader who has left is no error."""
        try:
            result = super().invoke(ctx)
            with writing_to(sys.stdout):
                sys.stdout.flush()
            return result
        except BrokenPipeError:
            return 0


@click.group(cls=CommandLine, name="wsproxy", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wsproxy")
def main() -> None:
    """See, record and mend what happens when a WebSocket client meets a device that is not quite RFC 6455."""


for _command in (record, replay, ls, show, diff, lint, redact, export, import_, explain, demo):
    main.add_command(_command)
