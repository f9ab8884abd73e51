"""The example project, as a user runs it."""

import re
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from wsproxy.pytest_plugin.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def test_the_example_project_passes(pytester: pytest.Pytester) -> None:
    shutil.copytree(DOCS / "example", pytester.path, dirs_exist_ok=True)
    without = ("-p", "no:cacheprovider", "-p", "no:cov", "-p", "no:xdist")
    result = pytester.runpytest_subprocess(*without)
    result.assert_outcomes(passed=3)


def test_every_argument_of_the_marker_is_documented() -> None:
    table = (DOCS / "pytest.md").read_text("utf-8").partition("## The marker")[2]
    documented = re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.M)
    assert [name for name, _ in documented] == [
        *("recording", "target", "insecure", "normalize", "redact", "sessions", "speed", "match", "vary"),
        *("on_mismatch", "loop", "exact_handshake", "as_sent", "strict", "allow_unplayed", "patience"),
    ]
    assert {name for name, _ in documented} == {field.name for field in fields(Settings)}
    defaults = {field.name: field.default for field in fields(Settings)}
    for name, default in documented:
        if default.startswith("`") and name != "target":
            assert eval(default.strip("`")) == defaults[name]


def test_every_option_of_the_plugin_is_documented() -> None:
    source = (DOCS.parent / "wsproxy" / "pytest_plugin" / "__init__.py").read_text("utf-8")
    page = (DOCS / "pytest.md").read_text("utf-8")
    names = re.findall(r'add(?:option|ini)\(\s*"([\w-]+)"', source)
    assert len(names) == 4
    assert [name for name in names if f"{name}" not in page] == []
