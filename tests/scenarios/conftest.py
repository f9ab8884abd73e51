"""One set of proxies for all tests of this folder (per worker)."""

from collections.abc import Iterator

import pytest

from tests.devices.loop import LoopThread
from tests.scenarios.rig import Rigs


@pytest.fixture(scope="session")
def rigs(tmp_path_factory: pytest.TempPathFactory, loop: LoopThread) -> Iterator[Rigs]:
    """Running proxies by mode."""
    made = Rigs(tmp_path_factory.mktemp("rigs"), loop)
    yield made
    failures = []
    for rig in made:
        try:
            rig.close()
        except Exception as error:
            failures.append(str(error))
    assert not failures, "\n".join(failures)
