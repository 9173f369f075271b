"""Golden folders: a case is a folder, its `expected` folder is what rendering it must give."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Final

from planner.diagnostics import Diagnostic
from planner.render.bundle import Artifact, Bundle
from planner.render.render import render
from planner.sources.templates import load_templates
from tests.render.farms import read_placement

ROOT: Final = Path(__file__).resolve().parents[2]
GOLDEN: Final = Path(__file__).with_name("golden")
UPDATE: Final = "PLANNER_UPDATE_GOLDEN"


def cases() -> list[str]:
    """Every case, by its folder's name."""
    return sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


def render_case(name: str) -> dict[str, str]:
    """Every text that rendering the case gives, by its path below `expected`."""
    bundle, found = render(read_placement(GOLDEN / name), load_templates())
    texts = {
        f"{host.host}/{file.path}": file.content
        for host in bundle.hosts
        for file in host.files
        if not file.path.endswith(".py")  # as they are shipped; the release's digest holds them
    }
    return {**texts, "bundle.json": _bundle(bundle), "diagnostics.txt": _diagnostics(found)}


def expected(name: str) -> dict[str, str]:
    """What lies in the case's `expected` folder."""
    folder = GOLDEN / name / "expected"
    return {
        str(path.relative_to(folder)): path.read_bytes().decode()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def update_wanted() -> bool:
    """Whether the run is to write the expected files anew."""
    return os.environ.get(UPDATE) == "1"


def write_expected(name: str, texts: dict[str, str]) -> None:
    """Replace the case's `expected` folder."""
    folder = GOLDEN / name / "expected"
    for path in expected(name):
        (folder / path).unlink()
    for path, text in texts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())


def _bundle(bundle: Bundle) -> str:
    hosts = [
        {
            "host": host.host,
            "runtime": host.runtime,
            "digest": host.digest,
            "files": [file.path for file in host.files],
            "workloads": {workload.name: workload.digest for workload in host.workloads},
            # the folder a file is pushed from belongs to the machine, its name to the case
            "artifacts": [
                {**_fields(artifact), "source": _source(artifact)} for artifact in host.artifacts
            ],
        }
        for host in bundle.hosts
    ]
    return json.dumps(hosts, indent=2, ensure_ascii=False) + "\n"


def _source(artifact: Artifact) -> str:
    return artifact.source.removeprefix(f"{GOLDEN}/").removeprefix(f"{ROOT}/")


def _fields(artifact: Artifact) -> dict[str, object]:
    """What an artifact is; a token stands where there is one."""
    return {key: value for key, value in asdict(artifact).items() if key != "token" or value}


def _diagnostics(found: tuple[Diagnostic, ...]) -> str:
    lines = [
        f"{item.severity} {item.where}: {item.summary}\n    {item.detail}\n    -> {item.advice}\n"
        for item in found
    ]
    return "".join(lines)
