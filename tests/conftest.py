"""Real hosts for tests: booted once a test run, gone when it ends, however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.farm.control import Farm, Host
from tests.helpers.tiny_gguf import write_tiny_gguf

# Time is no property: a busy machine must fail nothing. The same examples on every run, so that a
# failure is about the change at hand; --hypothesis-profile=explore looks for new ones.
settings.register_profile("planner", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("planner")

HOSTS = 3
SYSTEMD_ONLY = "farm3"
_REQUIRED = os.environ.get("PLANNER_REQUIRE_FARM") == "1"
# Another test run on this machine may have the farm, and the first run of all builds the image.
_WAIT_S = 1800.0
_STANDING = pytest.StashKey[Farm]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put farm tests in one worker, those that want no farm standing first; or skip them."""
    skip = pytest.mark.skip(
        reason="boots real hosts, which needs root (PLANNER_REQUIRE_FARM=1 makes this a failure)"
    )
    for item in items:
        if item.get_closest_marker("farm") is None:
            continue
        if os.geteuid() != 0 and not _REQUIRED:
            item.add_marker(skip)
        if config.pluginmanager.hasplugin("xdist"):
            item.add_marker(pytest.mark.xdist_group("farm"))
    items.sort(key=lambda item: "no_farm" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def farm(request: pytest.FixtureRequest) -> Iterator[Farm]:
    """Three running hosts: farm1 and farm2 with Docker, farm3 with systemd only."""
    farm = _up(Farm())
    request.config.stash[_STANDING] = farm
    yield farm
    del request.config.stash[_STANDING]
    farm.down()


@pytest.fixture
def no_farm(request: pytest.FixtureRequest) -> Iterator[None]:
    """No farm of this test run stands while the test runs, so that it may boot one of its own."""
    standing = request.config.stash.get(_STANDING, None)
    if standing is not None:
        standing.down()
    yield
    if standing is not None:
        _up(standing)


@pytest.fixture(scope="session")
def docker_host(farm: Farm) -> Host:
    """A host with a Docker engine."""
    return farm.host("farm1")


@pytest.fixture(scope="session")
def systemd_host(farm: Farm) -> Host:
    """A host without a Docker engine."""
    return farm.host(SYSTEMD_ONLY)


@pytest.fixture(scope="session")
def llama_archive() -> Path:
    """A root folder archive with a real llama-server."""
    return Farm().llama()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that the real llama-server loads and answers noise from."""
    return write_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf")


def _up(farm: Farm) -> Farm:
    farm.up(HOSTS, no_docker=[SYSTEMD_ONLY], owner=os.getpid(), wait_s=_WAIT_S)
    return farm
