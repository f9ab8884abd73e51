"""The options that choose a profile, and what is wrong with them."""

from pathlib import Path

import pytest

from tests.cli.run import check_error, wsproxy_here
from tests.test_docs import BLOCKS
from wsproxy.conformance.profiles import load_profile
from wsproxy.protocol.frame import Side


def test_the_example_is_a_profile(tmp_path: Path) -> None:
    (text,) = (
        block.text for block in BLOCKS if block.page == "docs/normalize.md" and block.language == "toml"
    )
    path = tmp_path / "device.toml"
    path.write_text(text)
    profile = load_profile(str(path))
    assert profile.repairs("message.nul-padding", Side.SERVER)
    assert not profile.repairs("keepalive.ping-unanswered", Side.CLIENT)
    assert [profile.repairs("handshake.field.name-spelling", side) for side in Side] == [True, False]


def test_a_file_on_top_wins(tmp_path: Path) -> None:
    path = tmp_path / "fewer.toml"
    path.write_text('[rules]\n"frame.*" = false\n')
    profile = load_profile("strict", str(path))
    assert profile.name == "strict"
    assert not profile.repairs("frame.masked-by-server", Side.SERVER)
    assert profile.repairs("close.missing", Side.SERVER)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--normalize=strickt"], ["no profile 'strickt'", "strict"]),
        (["--normalize", "--intercept"], ["exclude each other"]),
        (["--rules", "fewer.toml"], ["wsproxy_normalize"]),
        (["--normalize=none.toml"], ["none.toml cannot be read"]),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], words: list[str], tmp_path: Path) -> None:
    done = wsproxy_here("record", "ws://127.0.0.1:9", "-p", "0", "--no-recording", "-q", *arguments)
    check_error(done, 2, *words)


def test_a_target_is_no_profile() -> None:
    done = wsproxy_here("record", "--mode", "regular", "-p", "0", "-q", "--normalize", "ws://127.0.0.1:9")
    check_error(done, 2, "taken for a profile", "--normalize=strict")
