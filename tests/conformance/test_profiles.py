"""Profiles: what is on for whom, and what a mistake in one is told."""

from pathlib import Path

import pytest

from wsproxy.conformance.options import OPTIONS
from wsproxy.conformance.profiles import Profile, load_profile, packaged_profiles
from wsproxy.errors import UsageError
from wsproxy.protocol.frame import Side

CLIENT, SERVER = Side.CLIENT, Side.SERVER
NAMES = ("strict", "handshake", "browser", "okhttp", "dotnet", "skyq", "ocpp-charger", "tizen-tv")


def write(folder: Path, text: str, name: str = "mine.toml") -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


def test_every_packaged_profile_can_be_loaded() -> None:
    assert set(packaged_profiles()) >= set(NAMES)
    for name in packaged_profiles():
        profile = load_profile(name)
        assert (profile.name, bool(profile.description)) == (name, True)


def test_a_heuristic_is_off_unless_a_profile_switches_it_on() -> None:
    strict = load_profile("strict")
    for rule_id in ("frame.draft-opcode", "message.several-json", "message.nul-padding"):
        assert rule_id not in strict.known
    assert [strict.option("bare_text", side) for side in Side] == ["close", "close"]


def test_a_profile_without_rules_repairs_nothing() -> None:
    assert not Profile("empty").known
    assert Profile("empty").option("utf8", CLIENT) == "replace"


def test_the_longest_line_that_fits_wins_and_a_side_wins_over_both(tmp_path: Path) -> None:
    profile = load_profile(
        write(
            tmp_path,
            """
            description = "mine"
            include = ["strict"]
            [rules]
            message.text-not-utf8 = true
            "message.*" = false
            [rules.server]
            frame.rsv-bits = false
            [options]
            utf8 = "binary"
            [options.server]
            utf8 = "transcode:cp1252"
            """,
        )
    )
    assert profile.repairs("message.text-not-utf8", CLIENT)
    assert not profile.repairs("message.interrupted", CLIENT)
    assert profile.repairs("frame.rsv-bits", CLIENT)
    assert not profile.repairs("frame.rsv-bits", SERVER)
    assert [profile.option("utf8", side) for side in (CLIENT, SERVER)] == ["binary", "transcode:cp1252"]
    assert (profile.name, profile.include) == ("mine", ("strict",))


def test_profiles_are_included_from_beside_the_file(tmp_path: Path) -> None:
    write(tmp_path, "[rules]\nkeepalive.ping-unanswered = true\n[options]\nhold_limit = 7", "base.toml")
    profile = load_profile(write(tmp_path, 'include = ["base.toml"]\n[options]\nhold_limit = 8'))
    assert profile.known == {"keepalive.ping-unanswered"}
    assert profile.option("hold_limit", CLIENT) == 8


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules = 1", "as tables"),
        ("[rules]\nclient = true", "as tables"),
        ("[rules]\nframe.rsv-bit = true", "is it frame.rsv-bits?"),
        ("[rules]\n'fame-*' = true", "no rule 'fame-*'"),
        ("[rules]\nframe-rsv-bits = 1", "takes true or false, not 1"),
        ("[options]\nutf9 = 'replace'", "is it utf8?"),
        ("[options]\nutf8 = 'repair'", "close, carry, guess, or transcode:CHARSET, not 'repair'"),
        ("[options]\nutf8 = 'transcode:klingon'", "transcode:CHARSET"),
        ("[options]\nutf8 = 'transcode:hex'", "transcode:CHARSET"),
        ("[options]\nutf8 = 'transcode:idna'", "transcode:CHARSET"),
        ("[options]\nutf8 = 'transcode:undefined'", "transcode:CHARSET"),
        ("[options]\neof_code = 1005", "eof_code takes a close code for the wire"),
        ("[options]\nclose_codes = { 1013 = 1006 }", "takes a table of close codes"),
        ("[options]\nhold_limit = -1", "takes a whole number"),
        ("[options]\nping_interval = true", "takes a number of seconds"),
        ("[options]\nclose_codes = { 1012 = 1 }", "takes a table of close codes"),
        ("[options]\nheartbeats = [{ answer = 'x' }]", "takes a list"),
        ("include = 'strict'", "takes a list"),
        ("include = ['stricter']", "mine.toml includes: use"),
        ("include = ['mine.toml']", "includes itself"),
        ("name = 5", "name takes a text"),
        ("[repairs]", "has a 'repairs'"),
        ("[rules", "is not TOML"),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        load_profile(write(tmp_path, text))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_profile_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    place = tmp_path / "notepad.toml"
    place.write_bytes(b"\xef\xbb\xbf[options]\r\nhold_limit = 7\r\n")
    assert load_profile(str(place)).option("hold_limit", CLIENT) == 7


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no profile 'strickt'"):
        load_profile("strickt")
    with pytest.raises(UsageError, match="cannot be read"):
        load_profile(str(tmp_path / "none.toml"))
    with pytest.raises(KeyError):
        Profile("empty").option("none", CLIENT)


def test_every_default_is_a_value_one_could_write() -> None:
    for option in OPTIONS.values():
        assert option.check(option.default), option.name
        assert option.sentence.endswith(".")
