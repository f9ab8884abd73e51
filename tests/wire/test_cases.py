"""The table itself, without anything in between."""

import asyncio

import pytest

from tests.devices.endpoints import Device, Route
from tests.scenarios.harness import converse
from tests.wire.cases import CASES
from tests.wire.conversation import Case


async def talk_directly(case: Case) -> tuple[str, str, str, str]:
    device = await Device.listen()
    outcome = await converse(device, Route(device.port), case)
    await device.close()
    client, server = outcome.client, outcome.device
    return client.sent.sha256, server.received.sha256, server.sent.sha256, client.received.sha256


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_holds_without_a_proxy(case: Case) -> None:
    client_sent, device_got, device_sent, client_got = asyncio.run(talk_directly(case))
    assert (device_got, client_got) == (client_sent, device_sent)


def test_every_case_is_named_once_and_says_where_it_comes_from() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.cites and case.thread for case in CASES)
