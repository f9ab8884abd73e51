"""Where the recording of a test is."""

import hashlib
import re
from pathlib import Path

from wsproxy.errors import UsageError

FOLDER = "recordings"
SUFFIXES = (".db", ".jsonl")

_LONGEST_NAME = 120
_UNUSUAL = re.compile(r"[^\w.,=+@\[\]-]")


def own_recording(test_file: Path, name: str, suffix: str) -> Path:
    """The recording of one test, `recordings/<module>/<test><suffix>` beside its file.

    `name` is the test's name with its class and parameters. What file systems take badly is replaced, and a
    digest then keeps such names apart.

    Raises UsageError for a suffix that recordings do not have.
    """
    if suffix not in SUFFIXES:
        raise UsageError(f"wsproxy_suffix = {suffix} makes no sense: give one of {', '.join(SUFFIXES)}")
    plain = _UNUSUAL.sub("_", name)
    if plain != name or len(plain) > _LONGEST_NAME:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        plain = f"{plain[:_LONGEST_NAME]}-{digest}"
    return test_file.parent / FOLDER / test_file.stem / f"{plain}{suffix}"


def named_recording(name: str, test_file: Path, root: Path) -> str:
    """The recording that a marker names: a database URL, or a path, relative to the test's file or, where
    only that exists, to the root of the project.

    Raises UsageError for what can be no path.
    """
    if "://" in name:
        return name
    if "\0" in name:
        raise UsageError(f"{name[:80]!r} cannot be a recording: name a file")
    beside, below_root = test_file.parent / name, root / name
    try:
        return str(below_root if below_root.exists() and not beside.exists() else beside)
    except OSError as error:
        raise UsageError(f"{name[:80]!r} cannot be a recording: {error.strerror}; name a file") from None


def recordings_below(folders: set[Path]) -> set[Path]:
    """All the recordings in these folders and below."""
    return {
        path
        for folder in folders
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES and not path.name.startswith(".")
    }
