"""The `wsproxy` command: its subcommands, and what becomes of everything that goes wrong."""

import io
import os
import sys
from typing import NoReturn

import click

from wsproxy.cli.explain import explain
from wsproxy.errors import WsproxyError

_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="wsproxy")
def wsproxy() -> None:
    """See, record and mend what happens when a WebSocket client meets a device that is not quite RFC 6455."""


for _command in (explain,):
    wsproxy.add_command(_command)


def main() -> NoReturn:
    """Run the command line; exit codes: 0 ok, 1 findings or differences, 2 usage or unusable input, 3
    could not connect or listen, 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_run())


def _run() -> int:
    try:
        code = wsproxy.main(prog_name="wsproxy", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except WsproxyError as error:
        click.echo(f"wsproxy: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output has left; what Python flushes at exit must not complain about that.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
