"""The shipped catalogue, read once for all tests of this folder."""

import pytest

from planner.sources.catalogue import PackagedCatalogue
from tests.catalogue.readers import CountingCatalogue


@pytest.fixture(scope="session")
def catalogue() -> PackagedCatalogue:
    return PackagedCatalogue()


@pytest.fixture
def counting() -> CountingCatalogue:
    return CountingCatalogue(PackagedCatalogue())
