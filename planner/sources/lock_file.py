"""Reads and writes ``planner.lock``, which lies beside the blueprints it pins for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from planner.errors import BlueprintInvalid, UsageError
from planner.pins import FilePin, HubFile, HubPin, Pins

NAME: Final = "planner.lock"
_SCHEMA: Final = 1


def read_lock(folder: Path) -> Pins:
    """The pins in ``folder``; none without a lock file. Raises BlueprintInvalid when damaged."""
    path = folder / NAME
    if not path.exists():
        return Pins()
    import json  # most blueprints have no lock file and need not wait for it

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["planner-lock"] != _SCHEMA:
            raise ValueError(f"it is of version {data['planner-lock']!r}")
        return _pins(data)
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BlueprintInvalid(
            "the lock file cannot be used",
            where=str(path),
            cause=f"{type(fault).__name__}: {fault}",
            advice="take it back from Git, or write it anew: planner lock BLUEPRINT",
        ) from fault


def write_lock(folder: Path, pins: Pins) -> Path:
    """Write the pins, sorted, so that a diff shows what moved. Raises UsageError."""
    import json

    path = folder / NAME
    part = path.with_name(f"{NAME}.{os.getpid()}")
    try:
        part.write_text(json.dumps(_data(pins), indent=2, sort_keys=True) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as fault:
        raise UsageError(
            "the lock file cannot be written", where=str(path), cause=str(fault)
        ) from fault
    return path


def _pins(data: Any) -> Pins:
    return Pins(
        {name: _hub_pin(row) for name, row in data["models"].items()},
        {str(name): str(pinned) for name, pinned in data["images"].items()},
        {
            name: FilePin(str(row["sha256"]), int(row["bytes"]))
            for name, row in data["files"].items()
        },
    )


def _hub_pin(row: Any) -> HubPin:
    files = (
        HubFile(str(name), int(item["bytes"]), item.get("sha256"))
        for name, item in row["files"].items()
    )
    config = row.get("config")
    if config is not None and not isinstance(config, dict):
        raise ValueError("a config that is no mapping")
    return HubPin(str(row["repository"]), str(row["commit"]), tuple(files), config)


def _data(pins: Pins) -> dict[str, Any]:
    return {
        "planner-lock": _SCHEMA,
        "models": {
            name: {
                "repository": pin.repository,
                "commit": pin.commit,
                "files": {
                    file.name: {"bytes": file.bytes}
                    | ({"sha256": file.sha256} if file.sha256 else {})
                    for file in pin.files
                },
            }
            | ({"config": pin.config} if pin.config else {})
            for name, pin in pins.models.items()
        },
        "images": dict(pins.images),
        "files": {
            name: {"sha256": pin.sha256, "bytes": pin.bytes} for name, pin in pins.files.items()
        },
    }
