"""Rewrites what docs/ repeats of the code: help texts, rules, options, defaults. `make docs` runs it."""

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.test import taddons

from wsproxy.cli import main as wsproxy
from wsproxy.conformance.options import OPTIONS
from wsproxy.conformance.profiles import load_profile, packaged_profiles
from wsproxy.conformance.rules import RULES, Rule
from wsproxy.mitm.addon import WsproxyAddon
from wsproxy.store.redaction import SAFE_DEFAULTS

ROOT = Path(__file__).resolve().parent.parent
_WIDTH = 100
_IDLE: tuple[Any, ...] = (False, 0, {}, [], "", "keep")


def commands(command: click.Command = wsproxy, name: str = "wsproxy") -> Iterator[tuple[str, click.Command]]:
    """Every command, by its words."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for word in command.list_commands(context):
        found = command.get_command(context, word)
        assert found
        yield from commands(found, f"{name} {word}")


def help_block(name: str) -> str:
    """What `--help` says of a command, as a block of Markdown."""
    command = dict(commands())[name]
    settings = {"help_option_names": ["-h", "--help"], **command.context_settings}
    context = click.Context(
        command, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH, **settings
    )
    lines = [line.rstrip() for line in command.get_help(context).splitlines()]
    return "```text\n" + "\n".join(lines) + "\n```\n"


def rules_table(_name: str) -> str:
    """Every rule, as a table of Markdown."""
    head = (
        "| rule | stands in | severity | what departs from it | on the wire | repaired | who refuses it |\n"
    )
    return head + "|---|---|---|---|---|---|---|\n" + "".join(map(_rule_row, RULES.values()))


def _rule_row(rule: Rule) -> str:
    refused = "; ".join(f"{peer}: {words}" if words else peer for peer, words in rule.rejects)
    repaired = "if asked for" if rule.heuristic else "yes" if rule.repair else "no"
    if option := option_needed(rule):
        repaired += f", with `{option}`"
    cells = (f"`{rule.id}`", rule.section, rule.severity, rule.sentence, rule.wire, repaired, refused)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |\n"


def option_needed(rule: Rule) -> str | None:
    """The option without which the rule's repair has nothing to do."""
    named = re.search("see the option `([a-z0-9_]+)`", rule.sentence)
    return named[1] if named and OPTIONS[named[1]].default in _IDLE else None


def options_table(_name: str) -> str:
    """Every option of the addons, as a table of Markdown."""
    with taddons.context(Proxyserver(), WsproxyAddon()) as context:
        options = context.options.items()
    rows = "".join(
        _option_row(name, option) for name, option in sorted(options) if name.startswith("wsproxy_")
    )
    return "| option | default | what it does |\n|---|---|---|\n" + rows


def _option_row(name: str, option: Any) -> str:
    default = str(option.default).lower() if isinstance(option.default, bool) else str(option.default)
    shown = "none" if option.default in ("", [], ()) else f"`{default}`"
    choices = f" One of {', '.join(f'`{choice}`' for choice in option.choices)}." if option.choices else ""
    return f"| `{name}` | {shown} | {option.help}{choices} |\n"


def profiles_table(_name: str) -> str:
    """Every packaged profile, as a table of Markdown."""
    profiles = map(load_profile, packaged_profiles())
    rows = "".join(
        f"| `{each.name}` | {', '.join(f'`{name}`' for name in each.include)} | {each.description} |\n"
        for each in profiles
    )
    return "| profile | includes | what it is for |\n|---|---|---|\n" + rows


def profile_options_table(_name: str) -> str:
    """Every option of a profile, as a table of Markdown."""
    rows = "".join(
        f"| `{option.name}` | `{json.dumps(option.default)}` | {option.takes} | {option.sentence} |\n"
        for option in OPTIONS.values()
    )
    return "| option | default | takes | what it is about |\n|---|---|---|---|\n" + rows


def redactions_block(_name: str) -> str:
    """Every rule that `defaults` stands for, as a block of Markdown."""
    words = ", ".join(SAFE_DEFAULTS)
    return f"```text\n{textwrap.fill(words, _WIDTH, break_on_hyphens=False)}\n```\n"


_MAKERS = {
    "redactions": redactions_block,
    "help": help_block,
    "rules": rules_table,
    "options": options_table,
    "profiles": profiles_table,
    "profileoptions": profile_options_table,
}
_MADE = re.compile(r"(<!-- made: (\w+) ?([^\n]*?) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def refreshed(page: str) -> str:
    """The page with every part that follows from the code made anew."""
    return _MADE.sub(lambda made: made[1] + _MAKERS[made[2]](made[3]) + made[4], page)


def rewrite() -> None:
    """Rewrite the pages."""
    for path in (ROOT / "docs").glob("*.md"):
        text = path.read_text("utf-8")
        path.write_text(refreshed(text), "utf-8")


if __name__ == "__main__":
    rewrite()
