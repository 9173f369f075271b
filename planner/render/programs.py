"""What a service's program comes in: an archive, a registry image, or a program on the host."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from planner.blueprint import schema
from planner.diagnostics import Diagnostic, DocumentPath, error
from planner.engines.service import ServiceVersion
from planner.farm import FarmHost, LocalFile
from planner.pins import Pins
from planner.render.bundle import Artifact, ArtifactKind
from planner.render.weights import MISSING

_DIGEST: Final = re.compile(r".+@sha256:[0-9a-f]{64}")


class Program(NamedTuple):
    """A program's command, and the artifact it comes in; None when it is on the host already."""

    artifact: Artifact | None
    command: tuple[str, ...]


def program_of(
    host: FarmHost,
    image: str | schema.ImageArchive | None,
    binary: str | None,
    file: LocalFile | None,
    row: ServiceVersion,
    pins: Pins,
    path: DocumentPath,
) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    """The program of a service on ``host``, and what is wrong with it; None when nothing starts.

    ``file`` is the archive on this machine, ``row`` the program's version, ``path`` where the
    blueprint speaks of it.
    """
    bare = host.spec.runtime is schema.RuntimeChoice.SYSTEMD
    if isinstance(image, schema.ImageArchive):
        return _archive(image, file, row, ArtifactKind.ROOT if bare else ArtifactKind.IMAGE, path)
    if bare:
        if binary is not None:
            return Program(None, (binary, *row.program[1:])), ()
        return None, (error(f"nothing says where {row.name} is on {host.name}", *path,
                            advice=f"write {path[-1]}: {{binary: {row.program[0]}}}, or "
                            f"{path[-1]}: {{image: {{archive: <root folder tar>}}}}"),)  # fmt: skip
    reference = image or row.image
    reference = pins.images.get(reference, reference)
    program = Program(
        Artifact(ArtifactKind.REGISTRY_IMAGE, reference, reference), row.image_program
    )
    if _DIGEST.fullmatch(reference):
        return program, ()
    return program, (error("the image has no digest", *path, value=reference,
                           detail="a tag can be moved, and one blueprint would mean two farms",
                           advice="pin it with `planner lock BLUEPRINT`"),)  # fmt: skip


def _archive(
    image: schema.ImageArchive,
    file: LocalFile | None,
    row: ServiceVersion,
    kind: ArtifactKind,
    path: DocumentPath,
) -> tuple[Program, tuple[Diagnostic, ...]]:
    if file is not None and file.sha256 is not None:
        return Program(Artifact(kind, file.sha256, file.path, file.bytes), row.program), ()
    program = Program(Artifact(kind, MISSING, image.archive), row.program)
    return program, (error("the image archive could not be read", *path, value=image.archive,
                           advice=f"put it at {image.archive}, beside the blueprint"),)  # fmt: skip
