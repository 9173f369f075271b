"""Image pipelines: models made of several networks, sized by their parts."""

from typing import NamedTuple

from planner.catalogue.figure import Figure, Source
from planner.catalogue.match import Match, NotFound
from planner.catalogue.names import nearest, squash
from planner.catalogue.reader import PIPELINES, CatalogueReader
from planner.catalogue.row import open_row


class Component(NamedTuple):
    """One network of a pipeline, with its bytes as published."""

    name: str
    params: int
    bytes: int


class PipelineFacts(NamedTuple):
    """One pipeline. ``bytes`` is the sum of its components in the format ``dtype``; ``family`` its
    kind of sampler (sd15, sdxl, flux), ``pixels`` the side of the images it was trained on."""

    id: str
    family: str
    pixels: int
    license: Figure[str]
    dtype: str
    params: int
    bytes: int
    components: tuple[Component, ...]
    source: Source
    note: str | None


def parse_pipeline(data: object, where: str) -> PipelineFacts:
    """Turn a row of ``data/pipelines`` into PipelineFacts. Raises CatalogueError."""
    row = open_row(data, where)
    pipeline = PipelineFacts(
        id=row.text("id"),
        family=row.text("family"),
        pixels=row.integer("pixels"),
        license=row.need("license", row.text_figure("license")),
        dtype=row.text("dtype"),
        params=row.integer("params"),
        bytes=row.integer("bytes"),
        components=tuple(
            Component(name, item.integer("params"), item.integer("bytes"))
            for name, item in row.table("components")
        ),
        source=row.source(),
        note=row.opt_text("note"),
    )
    row.done()
    return pipeline


def find_pipeline(reader: CatalogueReader, name: str) -> Match[PipelineFacts] | NotFound:
    """Find an image pipeline by its hub name, with or without the publisher, or by its family."""
    rows = {row_name.replace("--", "/", 1): row_name for row_name in reader.names(PIPELINES)}
    for pipeline_id, row_name in rows.items():
        if squash(name) in (squash(pipeline_id), squash(pipeline_id.partition("/")[2])):
            return Match(_row(reader, row_name))
    found = (_row(reader, row_name) for row_name in rows.values())
    of_family = next((row for row in found if squash(row.family) == squash(name)), None)
    if of_family is not None:
        return Match(of_family, f"read as {of_family.id}")
    return NotFound("pipeline", name, nearest(name, rows))


def _row(reader: CatalogueReader, row_name: str) -> PipelineFacts:
    return parse_pipeline(
        reader.read(PIPELINES, row_name), f"catalogue {PIPELINES}/{row_name}.yaml"
    )
