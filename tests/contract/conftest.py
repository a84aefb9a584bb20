"""One quick run of each task that discovery finds, made once and looked at by every check of the contract.

All tests of a task carry its xdist group, so that `pytest -n 2 --dist loadgroup` makes its run once.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from quick_run import Contract

from stepwell import api, discovery

SETTINGS = {"training.threads": 1, "seed": 3}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture in ("contract", "folder"):
        if fixture in metafunc.fixturenames:
            names = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in discovery.tasks()]
            metafunc.parametrize("task", names, scope="session", indirect=True)
            return


@pytest.fixture(scope="session")
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def folder(task: str) -> discovery.Folder:
    return discovery.task(task)


@pytest.fixture(scope="session")
def contract(folder: discovery.Folder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contract]:
    """The shared run of a task; removed when the last of its checks is done."""
    place = tmp_path_factory.mktemp(folder.name)
    sample = api.sample(folder.name, place / "sample", seed=0)
    result = api.train(folder.name, sample, recipes=("quick",), settings=SETTINGS, run=place / "run", progress="quiet")
    yield Contract(folder, sample, result)
    shutil.rmtree(place)
