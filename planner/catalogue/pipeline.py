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
    """One pipeline. ``bytes`` is the sum of its components in the format ``dtype``."""

    id: str
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
    """Find an image pipeline by its hub name, with or without the publisher."""
    ids = tuple(row_name.replace("--", "/", 1) for row_name in reader.names(PIPELINES))
    for pipeline_id in ids:
        if squash(name) in (squash(pipeline_id), squash(pipeline_id.partition("/")[2])):
            row_name = pipeline_id.replace("/", "--")
            where = f"catalogue {PIPELINES}/{row_name}.yaml"
            return Match(parse_pipeline(reader.read(PIPELINES, row_name), where))
    return NotFound("pipeline", name, nearest(name, ids))
