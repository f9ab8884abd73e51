"""Which recordings no test has used, over all the processes that ran tests."""

from collections.abc import Iterable
from pathlib import Path

from wsproxy.pytest_plugin.places import recordings_below


class Usage:
    """The recordings that tests have used, and the folders in which they keep theirs."""

    def __init__(self) -> None:
        self._used: set[Path] = set()
        self._folders: set[Path] = set()

    def used(self, recording: str, folder: Path) -> None:
        """A test uses `recording`, and would keep its own below `folder`."""
        self._folders.add(folder)
        if "://" not in recording:
            self._used.add(Path(recording).resolve())

    def merge(self, told: Iterable[Iterable[str]]) -> None:
        """Add what another process has told."""
        used, folders = told
        self._used.update(map(Path, used))
        self._folders.update(map(Path, folders))

    def tell(self) -> tuple[list[str], list[str]]:
        """Everything, for another process."""
        return sorted(map(str, self._used)), sorted(map(str, self._folders))

    def unused(self) -> list[Path]:
        """The recordings in those folders that no test has used."""
        return sorted(path for path in recordings_below(self._folders) if path.resolve() not in self._used)
