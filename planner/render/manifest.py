"""The release's own description, read back by planner from the host."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

from planner.render.bundle import Artifact, File, Workload

FILE: Final = "manifest.json"
SCHEMA: Final = 1


def render_manifest(
    project: str,
    host: str,
    files: tuple[File, ...],
    workloads: tuple[Workload, ...],
    artifacts: tuple[Artifact, ...],
) -> File:
    """``manifest.json`` over the release's other files."""
    document = {
        "schema": SCHEMA,
        "project": project,
        "host": host,
        "files": {file.path: file.sha256 for file in sorted(files, key=lambda f: f.path)},
        "workloads": [asdict(workload) for workload in workloads],
        "artifacts": sorted(artifact.key for artifact in artifacts),
    }
    return File(FILE, json.dumps(document, indent=2) + "\n")
