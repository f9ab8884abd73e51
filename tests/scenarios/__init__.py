"""The real proxy between scripted peers, and between real clients and servers."""

import pytest

pytest.register_assert_rewrite("tests.scenarios.checks")
