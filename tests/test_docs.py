"""The documentation is under test: nothing that can be named is missing from it, and what it shows exists."""

import ast
import json
import re
import shlex
import sqlite3
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import pytest
import yaml
from packaging.requirements import Requirement

from tests.command_lines import check_arguments
from tools.docs import (
    commands,
    help_block,
    option_needed,
    options_table,
    profile_options_table,
    profiles_table,
    refreshed,
    rules_table,
)
from wsproxy.cli import flags
from wsproxy.conformance.rules import RULES
from wsproxy.mitm.run import MODES
from wsproxy.protocol.grammar import DIALECTS
from wsproxy.replay.matchers import MATCHES
from wsproxy.store.migrations import MIGRATIONS
from wsproxy.store.redaction_rules import RULE_FORMS
from wsproxy.store.writer import Recorder

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def section(text: str, heading: str) -> str:
    """The text under a heading, up to the next one of its level or above."""
    match = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,2}} |\Z)", text, re.M | re.S)
    assert match, f"no heading {heading!r}"
    return match[2]


def test_the_readme_begins_with_what_it_is_for_the_demo_and_two_commands() -> None:
    purpose, demo, rest = page("README.md").split("\n```", 2)
    assert len(re.findall(r"\.(?=\s|\Z)", purpose.removeprefix("# wsproxy\n"))) == 3
    assert demo.startswith("text\n$ wsproxy demo\n")
    commands = rest.split("```sh\n")[1].split("```")[0]
    assert re.findall(r"^(.+?) +#", commands, re.M) == ["make demo", "make test"]
    headings = re.findall(r"^## (.+)", page("README.md"), re.M)
    assert headings[0] == "Put it in front of your device"
    lines = section(page("README.md"), headings[0]).split("```sh\n")[1].split("\n```")[0].splitlines()
    assert len(lines) == 3
    assert "wsproxy record ws://" in lines[0]


def test_no_change_is_told_twice() -> None:
    beginnings = [line[:30] for line in page("CHANGELOG.md").splitlines() if line.startswith("- ")]
    assert len(beginnings) == len(set(beginnings))


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    heading, block = f"## {name}", f"<!-- made: help {name} -->"
    assert f"{heading}\n" in page("docs/cli.md"), (
        f"write there {heading!r}, {block!r}, '<!-- end -->'; run `make docs`"
    )
    assert block in section(page("docs/cli.md"), name)
    assert f"`{name}`" in page("README.md")


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=page_id)
def test_what_a_page_repeats_of_the_code_is_so(path: Path) -> None:
    text = path.read_text("utf-8")
    assert refreshed(text) == text, "run `make docs`"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_explains_itself(name: str) -> None:
    command = COMMANDS[name]
    assert command.help, "no help text"
    assert re.search(rf"^ +(\S.* \| )?{name}\b", help_block(name), re.M), "no example on a line of its own"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_help_texts_name_what_options_take() -> None:
    for said, taken in (
        (flags.MATCHES, MATCHES),
        (flags.DIALECTS, ", ".join(DIALECTS)),
        (flags.MODES, MODES),
        (flags.REDACTIONS, RULE_FORMS),
    ):
        assert said == taken, "say the same in wsproxy/cli/flags.py, and run `make docs`"


def test_no_command_is_documented_that_is_not_there() -> None:
    documented = re.findall(r"^## (wsproxy .+)$", page("docs/cli.md"), re.M)
    assert sorted(documented) == sorted(COMMANDS)


@pytest.mark.parametrize("path", sorted((ROOT / "addons").glob("*.py")), ids=page_id)
def test_every_addon_is_documented(path: Path) -> None:
    assert f"addons/{path.name}" in page("docs/addons.md"), "describe it there"


def test_every_option_of_the_addons_is_documented() -> None:
    made = options_table("")
    assert made in page("docs/addons.md"), "run `make docs`"
    paths = (ROOT / "wsproxy").rglob("*.py")
    used = {
        name for path in paths for name in re.findall(r"\boptions\.(wsproxy_\w+)", path.read_text("utf-8"))
    }
    assert used == set(re.findall(r"^\| `(wsproxy_\w+)`", made, re.M))


def test_every_make_target_is_documented() -> None:
    makefile = page("Makefile")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    assert targets == set(re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split())  # type: ignore[index]
    assert targets == set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.M)), "one has no help text"
    assert targets == set(re.findall(r"^\| `make ([a-z-]+)` \|", page("CONTRIBUTING.md"), re.M))


def test_every_dependency_is_documented() -> None:
    text = page("docs/dependencies.md")
    project = PYPROJECT["project"]
    groups = {**project["optional-dependencies"], **PYPROJECT["dependency-groups"]}
    for line in project["dependencies"]:
        assert f"| `{Requirement(line).name}` |" in section(text, "To run")
    for group, lines in groups.items():
        for line in lines:
            name = re.escape(Requirement(line).name)
            assert re.search(rf"^\| (?:{group}|`wsproxy\[{group}\]`) \|.*`{name}`", text, re.M), (group, line)


def test_every_dialect_is_documented() -> None:
    for name, dialect in DIALECTS.items():
        assert f"`{name}`" in page("docs/dialects.md"), "describe it there"
        assert dialect.description


def test_every_way_to_compare_messages_is_documented() -> None:
    listed = section(page("docs/replay.md"), "How messages are compared")
    for name in re.findall(r"(?:^|, | or )(\w+)", MATCHES):
        assert re.search(rf"^- `{name}\b", listed, re.M), f"describe {name} in docs/replay.md"


def test_every_profile_is_documented() -> None:
    text = page("docs/normalize.md")
    assert profiles_table("") in text, "run `make docs`"
    assert profile_options_table("") in text, "run `make docs`"


def test_every_rule_is_documented() -> None:
    assert rules_table("") in page("docs/rules.md"), "run `make docs`"
    assert option_needed(RULES["frame.too-large"]) == "frame_limit"
    assert option_needed(RULES["message.wrong-opcode"]) is option_needed(RULES["frame.rsv-bits"]) is None


def test_the_dialect_that_is_shown_works(tmp_path: Path) -> None:
    from wsproxy.protocol.decoder import FrameDecoder
    from wsproxy.protocol.frame import Frame
    from wsproxy.protocol.grammar import load_dialect

    (shown,) = (b.text for b in BLOCKS if b.page == "docs/dialects.md" and b.language == "python")
    (tmp_path / "little_endian.py").write_text(shown, "utf-8")
    dialect = load_dialect(str(tmp_path / "little_endian.py"))
    (frame,) = FrameDecoder(dialect).receive_data(b"\x81\x7e\x03\x00abc")
    assert isinstance(frame, Frame)
    assert (frame.opcode, frame.payload) == (1, b"abc")


def test_every_room_and_page_is_on_the_map() -> None:
    text = page("docs/architecture.md")
    rooms = [p.name for p in (ROOT / "wsproxy").iterdir() if p.is_dir() and p.name != "__pycache__"]
    assert [room for room in rooms if f"| `wsproxy/{room}/` |" not in text] == []
    index = page("README.md")
    assert [p.name for p in (ROOT / "docs").glob("*.md") if f"(docs/{p.name})" not in index] == []


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def code_blocks() -> Iterator[CodeBlock]:
    for path in PAGES:
        text = path.read_text("utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S):
            yield CodeBlock(page_id(path), text.count("\n", 0, match.start()) + 1, match[1], match[2])


BLOCKS = list(code_blocks())


def command_lines() -> Iterator[tuple[str, str]]:
    """Each command line shown in a page: those of `sh` blocks, and those after a `$` in `console` blocks."""
    for block in BLOCKS:
        text = block.text.replace("\\\n", " ")
        if block.language == "console":
            yield from ((str(block), line[2:]) for line in text.splitlines() if line.startswith("$ "))
        elif block.language == "sh":
            yield from ((str(block), line) for line in text.splitlines() if line and not line.startswith("#"))


COMMAND_LINES = sorted(set(command_lines()))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """An empty recording."""
    path = tmp_path_factory.mktemp("recording") / "wsproxy.db"
    recorder = Recorder(str(path), on_failure=print, on_pressure=print)
    recorder.start()
    recorder.close()
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def test_every_column_of_a_recording_is_documented(recording: sqlite3.Connection) -> None:
    names = recording.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    tables = [name for (name,) in names if not name.startswith(("sqlite_", "text_index"))]
    assert "frames" in tables
    text = page("docs/recording-format.md")
    assert f"This is format {len(MIGRATIONS)}." in text
    for table in tables:
        rows = "".join(re.findall(r"^\| (`.*?) \|", section(text, table), re.M))
        columns = [column for _, column, *_ in recording.execute(f"PRAGMA table_info({table})")]
        documented = re.findall(r"`(\w+)`", rows)
        assert sorted(documented) == sorted(columns), f"describe {table} in docs/recording-format.md"


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_code_block_parses(block: CodeBlock, recording: sqlite3.Connection) -> None:
    match block.language:
        case "python":
            ast.parse(block.text)
        case "json":
            json.loads(block.text)
        case "jsonl":
            assert [json.loads(line) for line in block.text.splitlines()]
        case "toml":
            tomllib.loads(block.text)
        case "yaml":
            yaml.safe_load(block.text)
        case "sql":
            recording.executescript(block.text)
        case language:
            assert language in ("sh", "console", "text"), f"{block}: say what language this is"


@pytest.mark.parametrize(("where", "line"), COMMAND_LINES)
def test_a_command_that_is_shown_exists(where: str, line: str) -> None:
    assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0
    for part in re.split(r"\|\||&&|[|;]", line):
        words = shlex.split(part, comments=True)
        while words and re.match(r"\w+=", words[0]):
            words.pop(0)
        check_words([word for word in words if not re.fullmatch(r"\d?[<>]+.*", word)], where)


def check_words(words: list[str], where: str) -> None:
    match words:
        case ["make", *targets]:
            for target in (word for word in targets if "=" not in word):
                assert re.search(rf"^{target}:", page("Makefile"), re.M), f"{where}: no target {target}"
        case [program, *arguments] if Path(program).name == "wsproxy":
            check_arguments(arguments)
        case ["mitmdump" | "mitmweb" | "mitmproxy", *arguments]:
            check_mitmproxy(arguments)
        case [program, *_] if program.startswith((".venv/bin/", ".ci/", "tools/")):
            assert program.startswith(".venv") or (ROOT / program).is_file()


def check_mitmproxy(arguments: list[str]) -> None:
    documented = re.findall(r"^\| `(wsproxy_[a-z_]+)`", page("docs/addons.md"), re.M)
    for flag, value in pairwise(arguments):
        if flag in ("-s", "--script") and value.startswith("addons/"):
            assert (ROOT / value).is_file()
        if flag == "--set" and value.startswith("wsproxy_"):
            assert value.partition("=")[0] in documented


def anchors(text: str) -> set[str]:
    """The anchors a page has, made from its headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_every_link_leads_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https://"), target
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), target
        assert linked.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(linked.read_text("utf-8")), target


def test_paths_that_are_named_are_there() -> None:
    for path in PAGES:
        for name in re.findall(
            r"`((?:wsproxy|addons|tests|bench|requirements|recordings|docs|tools)/[\w./-]*)`",
            path.read_text("utf-8"),
        ):
            if not name.endswith((".db", ".jsonl")):
                assert (ROOT / name).exists(), f"{page_id(path)} names {name}"


def test_lists_that_are_named_are_there() -> None:
    paths = [path for folder in ("wsproxy", "bench") for path in (ROOT / folder).rglob("*.py")]
    sources = "".join(path.read_text("utf-8") for path in paths)
    names = re.findall(r"`([A-Z]+(?:_[A-Z]+)+|[A-Z]{6,})`", page("docs/architecture.md"))
    assert names
    for name in names:
        assert re.search(rf"^{name}(:.*)? = ", sources, re.M), name
    folders = [ROOT / room / "conformance" for room in ("wsproxy", "tests")]
    for name in re.findall(r"`(\w+\.py)`", section(page("docs/architecture.md"), "Where to make a change")):
        assert any((folder / name).is_file() for folder in folders), name


def test_parsing_a_command_line_leaves_its_help_text_alone() -> None:
    before = help_block("wsproxy record")
    check_arguments(["record", "ws://192.0.2.7:9006"])
    assert help_block("wsproxy record") == before
