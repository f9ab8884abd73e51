"""The quick part of the rescue matrix: what worked through wsproxy still does. The whole: `make rescue`."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from tests.rescue.cases import CASES
from tests.rescue.matrix import Matrix, play_all
from tests.rescue.report import words
from tests.rescue.rig import CLIENTS, SERVERS, applies, rig
from tests.rescue.ways import Way

CITED = re.compile(r"relay|(handshake|frames) [A-Z]\d{1,3}")
PAGE = Path(__file__).parents[2] / "docs" / "rescue.md"
PATIENCE_S = 15.0
QUICK = [case for case in CASES if case.quick]
PYTHON = ("websockets", "aiohttp", "wsproto", "websocket-client")
ONE_SERVER = ("websockets",)


async def play_quick(folder: Path) -> list[Matrix]:
    """The quick cases through wsproxy: devices with two libraries each, in turn, clients with one server."""
    devices = [case for case in QUICK if case.device_side]
    clients = [case for case in QUICK if not case.device_side]
    matrices = [
        Matrix(devices[::2], PYTHON[::2], [Way.WSPROXY]),
        Matrix(devices[1::2], PYTHON[1::2], [Way.WSPROXY]),
        Matrix(clients, ONE_SERVER, [Way.WSPROXY]),
    ]
    async with rig(QUICK, PYTHON, folder, folder, PATIENCE_S) as made:
        for matrix in matrices:
            await play_all(made, matrix, lambda case: None)
    return matrices


@pytest.mark.skipif(not hasattr(os, "fork"), reason="proxies are forked")
def test_what_was_rescued_still_is(tmp_path: Path) -> None:
    matrices = asyncio.run(play_quick(tmp_path))
    assert [len(matrix.verdicts) for matrix in matrices] == [
        sum(applies(case, peer) for case in matrix.cases for peer in matrix.peers) for matrix in matrices
    ]
    lost = [
        f"{case.name} with {peer}: {verdict.result} ({words(verdict)})"
        for matrix in matrices
        for case, peer, verdict in matrix.not_rescued()
    ]
    assert not lost, "\n".join(lost)


def test_every_case_says_where_it_was_seen() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert all(CITED.fullmatch(each.strip()) for each in case.cites.split(",")), case.name
        assert case.thread, case.name


def test_a_reason_names_peers_that_there_are() -> None:
    for case in CASES:
        assert set(case.beyond) <= {"*", *CLIENTS, *SERVERS}, case.name


def test_the_page_shows_every_case_and_explains_what_is_not_rescued() -> None:
    page = PAGE.read_text("utf-8")
    assert set(re.findall(r"^\| `([\w-]+)` \| .* \| .* \|$", page, re.M)) >= {case.name for case in CASES}
    assert "UNEXPLAINED" not in page
