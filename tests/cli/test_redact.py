"""`wsproxy redact`."""

import sqlite3
from pathlib import Path

from tests.cli.recordings import recorder, send, start
from tests.cli.run import check_error, wsproxy_here
from wsproxy.protocol.frame import Side

SECRET = b"hunter2hunter2"


def make(path: Path) -> None:
    with recorder(path) as found:
        for _ in range(2):
            head = b"GET /?token=" + SECRET + b" HTTP/1.1\r\n\r\n"
            session = found.open_session(start(request_head=head, target=f"ws://s/?token={SECRET.decode()}"))
            send(session, Side.SERVER, 0x1, b'{"pin":"' + SECRET + b'"}')


def test_a_recording_is_copied_without_its_secrets(tmp_path: Path) -> None:
    make(tmp_path / "a.db")
    clean = tmp_path / "clean.db"
    rules = ("--redact", "defaults", "--redact", "json:/pin")
    done = wsproxy_here("redact", str(tmp_path / "a.db"), "-o", str(clean), *rules)
    assert done.code == 0, done.err
    assert done.err.startswith(f"Wrote 2 sessions to {clean}\n")
    assert SECRET not in clean.read_bytes()
    shown = wsproxy_here("show", str(clean), "--messages").out
    assert '"pin": "REDACTED"' in shown
    again = wsproxy_here("redact", str(tmp_path / "a.db"), "-o", str(clean))
    check_error(again, 2, "exists already")


def test_the_defaults_are_the_default_and_sessions_can_be_named(tmp_path: Path) -> None:
    make(tmp_path / "a.db")
    clean = tmp_path / "clean.db"
    assert wsproxy_here("redact", str(tmp_path / "a.db"), "last", "-o", str(clean)).code == 0
    assert len(wsproxy_here("ls", str(clean), "--json").objects) == 1
    assert b"token=" + SECRET not in clean.read_bytes()
    assert SECRET in clean.read_bytes()


def test_what_cannot_be_is_said_in_a_line(tmp_path: Path) -> None:
    make(tmp_path / "a.db")
    out = str(tmp_path / "b.db")
    check_error(wsproxy_here("redact", str(tmp_path / "none.db"), "-o", out), 2, "none.db")
    check_error(wsproxy_here("redact", str(tmp_path / "a.db"), "7", "-o", out), 2, "no session 7")
    check_error(
        wsproxy_here("redact", str(tmp_path / "a.db"), "-o", out, "--redact", "pin"), 2, "not a redaction"
    )
    assert not Path(out).exists()


def test_a_place_that_cannot_be_one_is_said_in_a_line(tmp_path: Path) -> None:
    make(tmp_path / "a.db")
    long = "n" * 300
    for command, ending in (("redact", "db"), ("redact", "jsonl"), ("import", "db"), ("export", "jsonl")):
        place = str(tmp_path / f"{long}.{ending}")
        check_error(wsproxy_here(command, str(tmp_path / "a.db"), "-o", place), 2, "is too long a name")


def test_a_copy_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    make(tmp_path / "a.db")
    damage = sqlite3.connect(tmp_path / "a.db")
    damage.execute("UPDATE frames SET header = 'no bytes' WHERE id = (SELECT max(id) FROM frames)")
    damage.commit()
    damage.close()
    for name in ("clean.db", "clean.jsonl"):
        done = wsproxy_here("redact", str(tmp_path / "a.db"), "-o", str(tmp_path / name))
        check_error(done, 2, "a.db")
    assert [each.name for each in tmp_path.iterdir()] == ["a.db"]
