"""What became of every case with every peer, each way."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.rescue.case import Case, Result, Verdict
from tests.rescue.rig import Rig, applies
from tests.rescue.ways import Way

_AT_ONCE = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """One case with one strict peer, one way."""

    case: Case
    peer: str
    way: Way


@dataclass(slots=True)
class Matrix:
    """All verdicts. `missing`: peers that are not installed, and why."""

    cases: Sequence[Case]
    peers: Sequence[str]
    ways: Sequence[Way]
    missing: dict[str, str] = field(default_factory=dict)
    verdicts: dict[tuple[str, str, Way], Verdict] = field(default_factory=dict)

    def verdict(self, case: Case, peer: str, way: Way) -> Verdict:
        """One of them; not applicable where it was not played."""
        return self.verdicts.get((case.name, peer, way), Verdict(Result.SKIPPED))

    def played(self, case: Case, way: Way) -> list[tuple[str, Verdict]]:
        """The peers a case was played with that way, and how it went."""
        found = ((peer, self.verdicts.get((case.name, peer, way))) for peer in self.peers)
        return [(peer, verdict) for peer, verdict in found if verdict is not None]

    def unexplained(self) -> list[tuple[Case, str, Verdict]]:
        """What does not work through wsproxy though nothing says why."""
        return [each for each in self.not_rescued() if not each[0].reason(each[1])]

    def not_rescued(self) -> list[tuple[Case, str, Verdict]]:
        """What does not work through wsproxy."""
        return [
            (case, peer, verdict)
            for case in self.cases
            for peer, verdict in self.played(case, Way.WSPROXY)
            if verdict.result is not Result.WORKS
        ]

    def outdated(self) -> list[tuple[Case, str]]:
        """What works through wsproxy though a reason is given why it would not."""
        return [
            (case, peer)
            for case in self.cases
            for peer, verdict in self.played(case, Way.WSPROXY)
            if verdict.result is Result.WORKS and case.reason(peer)
        ]


async def play_all(
    rig: Rig, matrix: Matrix, on_case: Callable[[Case], None], at_once: int = _AT_ONCE
) -> None:
    """Play every cell of the matrix, those first that one proxy serves; `on_case` follows them.

    What fails through wsproxy for no known reason is played once more when all else is done: a machine that
    is too busy must not look like a fault.
    """
    cells = [
        Cell(case, peer, way)
        for case in sorted(matrix.cases, key=lambda case: (case.device_side, case.normalize, case.flags))
        for peer in matrix.peers
        if applies(case, peer) and peer not in matrix.missing
        for way in matrix.ways
    ]
    await _play(rig, matrix, cells, on_case, at_once)
    again = [Cell(case, peer, Way.WSPROXY) for case, peer, _ in matrix.unexplained()]
    await _play(rig, matrix, again, lambda case: None, 2)


async def _play(
    rig: Rig, matrix: Matrix, cells: Sequence[Cell], on_case: Callable[[Case], None], at_once: int
) -> None:
    left: dict[str, int] = defaultdict(int)
    for cell in cells:
        left[cell.case.name] += 1
        rig.ways.announce(await rig.place(cell.case, cell.peer, cell.way))
    room = asyncio.Semaphore(at_once)

    async def play(cell: Cell) -> None:
        async with room:
            verdict = await rig.play(cell.case, cell.peer, cell.way)
        matrix.verdicts[cell.case.name, cell.peer, cell.way] = verdict
        left[cell.case.name] -= 1
        if not left[cell.case.name]:
            on_case(cell.case)

    async with asyncio.TaskGroup() as tasks:
        for cell in cells:
            tasks.create_task(play(cell))
