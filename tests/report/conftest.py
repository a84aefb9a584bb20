"""One made-up run for all tests of the report."""

from __future__ import annotations

import pytest
from made_run import make_run


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory):
    """A run of ten classes, as the sample task leaves it."""
    return make_run(tmp_path_factory.mktemp("run") / "digits", [str(number) for number in range(10)])
