"""Where artifacts lie on a host. A place names a thing there without its content being read.

weights/<sha256>/<file name>         a pushed model file
adapters/<digest>/<file name>        a pushed file of an adapter, beside its others
roots/<sha256>                       an unpacked root folder
hub/<org>--<name>@<commit>           files the host fetched itself
image/planner.local/P:<16 digits>    an image made from an archive, or the mark on a pulled one
registry/<repository>@<digest>       an image the host has by its digest
incoming/<name>                      a transfer under way
releases/<name>                      a release folder
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from planner.render.bundle import Artifact, ArtifactKind

PART = ".part"


def place_of(artifact: Artifact, project: str) -> str:
    """Where the artifact lies once it is complete."""
    match artifact.kind:
        case ArtifactKind.WEIGHTS:
            return f"weights/{artifact.key}/{PurePath(artifact.source).name}"
        case ArtifactKind.ADAPTER:
            return f"adapters/{artifact.folder}/{PurePath(artifact.source).name}"
        case ArtifactKind.ROOT:
            return f"roots/{artifact.key}"
        case ArtifactKind.HUB_FILES:
            return f"hub/{artifact.key.replace('/', '--')}"
        case ArtifactKind.IMAGE:
            return f"image/{image_tag(artifact, project)}"
        case ArtifactKind.REGISTRY_IMAGE:
            return registry_place(artifact.source)


def image_tag(artifact: Artifact, project: str) -> str:
    """The tag that marks an image as this project's: ``planner.local/P:<first 16 digits>``."""
    digest = artifact.key.rpartition("sha256:")[2]
    return f"planner.local/{project}:{digest[:16]}"


def registry_place(reference: str) -> str:
    """The place of an image by its digest, as Docker lists it: without what it takes as given."""
    name, _, digest = reference.partition("@")
    name = name.removeprefix("docker.io/").removeprefix("library/")
    last = name.rpartition("/")[2]
    if ":" in last:
        name = name[: -len(last)] + last.partition(":")[0]
    return f"registry/{name}@{digest}"


def part_of(artifact: Artifact, project: str) -> str:
    """Where the artifact lies while it is on its way."""
    if artifact.kind is ArtifactKind.HUB_FILES:
        return place_of(artifact, project) + PART
    return f"incoming/{artifact.key}{PART}"


def used_places(artifacts: Iterable[Artifact], project: str) -> set[str]:
    """Every place that these artifacts take: an image that was pulled also has its mark."""
    found: set[str] = set()
    for artifact in artifacts:
        found.add(place_of(artifact, project))
        if artifact.kind is ArtifactKind.REGISTRY_IMAGE:
            found.add(f"image/{image_tag(artifact, project)}")
    return found


def is_managed(place: str) -> bool:
    """Whether planner made what lies there, so that it may remove it."""
    return not place.startswith("registry/")
