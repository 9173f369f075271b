"""Replicas for engine tests, as values."""

from __future__ import annotations

from typing import Any

from planner.catalogue.find_model import find_model
from planner.catalogue.match import NotFound
from planner.catalogue.model import ModelFacts
from planner.engines.arguments import arguments
from planner.engines.engine import Engine, Launch
from planner.engines.registry import find_engine
from planner.engines.versions import parse_versions, pick_version
from planner.farm import HostDevice, Placed
from planner.sources.catalogue import PackagedCatalogue
from planner.sources.templates import load_templates
from planner.units import GIB
from tests.placement.builders import cards, host, model, report

TEMPLATES = load_templates()


def engine_of(name: str) -> Engine:
    found = find_engine(name)
    assert found is not None
    return found


def rows_of(name: str) -> Any:
    options = TEMPLATES[f"engines/options/{name}.yaml"]
    return parse_versions(TEMPLATES[f"engines/{name}.yaml"], options, name)


def launch(
    name: str,
    devices: tuple[HostDevice, ...] = (),
    *,
    version: str | None = None,
    sockets: int = 1,
    fields: dict[str, Any] | None = None,
    **spec: Any,
) -> Launch:
    """A replica of `chat` on a host of its own, as the engine would see it in a container."""
    row, _ = pick_version(rows_of(name), version)
    assert row is not None
    told = model("chat", name, **spec)._replace(**(fields or {}))
    where = host("box", devices, address="me@box", sockets=sockets)
    size = report(told, devices, 20 * GIB)
    placed = Placed(told, 0, where, devices, size, 20001)
    return Launch(placed, row, "/models/file.gguf", "0.0.0.0", 8080)


def words(name: str, *args: Any, **kwargs: Any) -> list[str]:
    """The command line of that replica."""
    return list(arguments(engine_of(name), launch(name, *args, **kwargs)))


def value(line: list[str], option: str) -> str:
    """What an option is set to. Fails when it is absent or stands twice."""
    assert line.count(option) == 1, (option, line)
    return line[line.index(option) + 1]


def model_facts(name: str) -> ModelFacts:
    """The catalogue's row of a model."""
    found = find_model(PackagedCatalogue(), name)
    assert not isinstance(found, NotFound)
    return found.row


def one_card() -> tuple[HostDevice, ...]:
    return cards(1)


def two_cards() -> tuple[HostDevice, ...]:
    return cards(2)
