"""Where things lie on a host, as the rendered files name them."""

from __future__ import annotations

from typing import Final

from planner.render.bundle import Artifact, ArtifactKind, File

BASE: Final = "/var/lib/planner"
TRAFFIC: Final = "/run/planner-traffic"  # where who passes requests on sees that folder


def artifact_folder(project: str, artifact: Artifact) -> str:
    """The folder of an artifact's files. Raises ValueError for images, which lie in no folder."""
    match artifact.kind:
        case ArtifactKind.WEIGHTS:
            place = f"weights/{artifact.key}"
        case ArtifactKind.ADAPTER:
            place = f"adapters/{artifact.folder}"
        case ArtifactKind.ROOT:
            place = f"roots/{artifact.key}"
        case ArtifactKind.HUB_FILES:
            place = f"hub/{artifact.key.replace('/', '--')}"
        case ArtifactKind.IMAGE | ArtifactKind.REGISTRY_IMAGE:
            raise ValueError(f"{artifact.key} is an image")
    return f"{BASE}/{project}/artifacts/{place}"


def adapters_folder(project: str) -> str:
    """The folder of all adapters of a host, each in a folder of its own."""
    return f"{BASE}/{project}/artifacts/adapters"


def current_folder(project: str, name: str) -> str:
    """A folder of whichever release is current: a link, followed at each start."""
    return f"{BASE}/{project}/current/{name}"


def traffic_folder(project: str) -> str:
    """The folder that says who gets requests: ``NAME.closed`` shuts a workload out, and what serves
    beside another gets none without ``NAME.open``."""
    return f"{BASE}/{project}/traffic"


def release_file(project: str, file: File) -> str:
    """A file of the release that is current, by a path that stays."""
    return f"{BASE}/{project}/current/{file.path}"


def image_name(project: str, artifact: Artifact) -> str:
    """What a container calls the image: a registry reference, or the tag of an archive's image."""
    if artifact.kind is ArtifactKind.REGISTRY_IMAGE:
        return artifact.source
    return f"planner.local/{project}:{artifact.key[:16]}"


def unit_name(project: str, workload: str) -> str:
    """The name of a workload's systemd unit."""
    return f"planner-{project}-{workload}.service"
