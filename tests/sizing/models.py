"""Architectures of the shipped catalogue, and short requests, for the tests of sizing."""

from __future__ import annotations

from functools import cache
from typing import Any

from planner.catalogue.find_model import find_model
from planner.catalogue.match import Match, NotFound
from planner.catalogue.pipeline import find_pipeline
from planner.catalogue.shapes import find_shape
from planner.sizing.architecture import Architecture
from planner.sizing.architectures import architecture_of
from planner.sizing.architectures.pipelines import pipeline_architecture
from planner.sizing.ask import catalogue_architecture
from planner.sizing.size import size
from planner.sizing.values import Accelerator, Processor, SizeReport, SizeRequest
from planner.sources.catalogue import PackagedCatalogue
from planner.units import GIB

SHIPPED = PackagedCatalogue()


@cache
def architecture(name: str) -> Architecture:
    """The architecture of a catalogue row, a shape or an image pipeline."""
    found = find_model(SHIPPED, name)
    if not isinstance(found, NotFound):
        return catalogue_architecture(found)
    pipeline = find_pipeline(SHIPPED, name)
    if isinstance(pipeline, Match):
        return pipeline_architecture(pipeline.row)
    shape = find_shape(SHIPPED, name)
    assert isinstance(shape, Match), name
    return architecture_of(shape.row.config, shape.row.architecture)


def card(gib: float, bandwidth: int = 1_000_000_000_000) -> Accelerator:
    """A nameless card of that much memory as its engine prints it."""
    memory = int(gib * GIB)
    return Accelerator("cuda", memory, memory, bandwidth, 100_000_000_000_000)


def report(name: str, engine: str, *devices: Accelerator, **options: Any) -> SizeReport:
    """A sized request."""
    request = SizeRequest(
        model=name,
        architecture=architecture(name),
        engine=engine,
        devices=devices,
        cpu=None if devices else Processor("cpu", 460_800_000_000, 32),
        **options,
    )
    return size(request)


def gib_of(found: SizeReport, name: str, device: int = 0) -> float:
    """GiB of one term of one device."""
    return sum(t.bytes for t in found.devices[device].terms if t.name == name) / GIB


def mib_on_host(found: SizeReport, name: str) -> float:
    """MiB of one term in the host's RAM."""
    return sum(t.bytes for t in found.host.terms if t.name == name) / 2**20
