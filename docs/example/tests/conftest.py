"""The box to record, for those who have one."""

import os

import pytest


@pytest.fixture
def ws_target() -> str | None:
    """Used while recording only."""
    return os.environ.get("SKYQ_URL")
