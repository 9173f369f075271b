"""Finds the bare architecture of a model that has no catalogue row of its own.

A shape is a config and its class: enough to size a model, without price, licence or published
sizes. Rows stand in ``data/shapes.yaml``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planner.catalogue.match import Match, NotFound
from planner.catalogue.names import nearest, squash
from planner.catalogue.reader import TABLES, CatalogueReader
from planner.catalogue.row import open_row

_WHERE = f"catalogue {TABLES}/shapes.yaml"
_REMARKS = re.compile(r"\s*\([^)]*\)")
_ENDINGS = re.compile(
    r"[-. ](ud-)?((i?q|tq)\d[a-z0-9_]*|bf16|fp?16|f32|mxfp4(_moe)?|nvfp4(-fast)?|fp8|awq(-int4)?"
    r"|gptq(-int4)?|int[48]|gguf|i1|mtp|mlx|unsloth|bnb|4bit|8bit|w8a8|w4a16|autoround|quantized)$"
)
_SAME_SHAPES = re.compile(r"[-_ ](it|instruct|chat|base|hf|thinking|class|\d{4})$")


@dataclass(frozen=True, slots=True)
class Shape:
    """An architecture: ``config`` as in a ``config.json``, and the class that reads it.

    ``parameters`` is the count that the config must give.
    """

    id: str
    architecture: str
    parameters: int
    aliases: tuple[str, ...]
    config: Mapping[str, Any]


def all_shapes(reader: CatalogueReader) -> tuple[Shape, ...]:
    """Return every shape. Raises CatalogueError when the table is malformed."""
    table = open_row(reader.read(TABLES, "shapes"), _WHERE)
    found = []
    for row in table.rows("shapes"):
        row.source()
        found.append(
            Shape(
                row.text("id"),
                row.text("architecture"),
                row.integer("parameters"),
                row.texts("aliases"),
                row.raw_mapping("config"),
            )
        )
    table.done()
    return tuple(found)


def find_shape(reader: CatalogueReader, name: str) -> Match[Shape] | NotFound:
    """Find a shape by its hub name, short name, or the name of a repackaged checkpoint."""
    shapes = all_shapes(reader)
    keys: dict[str, Shape] = {}
    for shape in shapes:
        for known in (shape.id, shape.id.partition("/")[2], *shape.aliases):
            keys.setdefault(squash(known), shape)
    for spelling in _spellings(name):
        shape_found = keys.get(squash(spelling))
        if shape_found is not None:
            exact = squash(name) in (squash(shape_found.id), squash(shape_found.id.split("/")[1]))
            return Match(shape_found, None if exact else f"read as {shape_found.id}")
    return NotFound("model", name, nearest(name, (shape.id for shape in shapes)))


def _spellings(name: str) -> Iterator[str]:
    """The name with less and less of what repackagers and publishers add to it."""
    yield name
    text = _REMARKS.sub("", name).strip().lower().partition("@")[0]
    yield text
    for short in dict.fromkeys(
        (text, text.rpartition("/")[2], text.rpartition("/")[2].partition("_")[2])
    ):
        yield from _shortened(short)


def _shortened(text: str) -> Iterator[str]:
    while text:
        yield text
        shorter = _ENDINGS.sub("", text)
        if shorter == text:
            shorter = _SAME_SHAPES.sub("", text)
        if shorter == text:
            return
        text = shorter
