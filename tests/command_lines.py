"""Whether a `wsproxy` command line is one that exists, without running it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import click

from wsproxy.cli import main as wsproxy


def commands(
    command: click.Command = wsproxy, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Every command, by its words."""
    if not isinstance(command, click.Group):
        yield " ".join(words), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found
        yield from commands(found, (*words, name))


def check_arguments(arguments: Sequence[str]) -> None:
    """Let click parse what follows `wsproxy`; raise a `click.UsageError` or fail if it cannot."""
    command: click.Command = wsproxy
    with ExitStack() as stack:
        context = None
        while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
            context = stack.enter_context(
                click.Context(command, parent=context, info_name=command.name, **command.context_settings)
            )
            found = command.get_command(context, arguments[0])
            assert found, f"no command {arguments[0]}"
            command, arguments = found, arguments[1:]
        if list(arguments) not in (["--help"], ["--version"]):
            command.make_context(command.name, list(arguments), parent=context)
