"""Builds a placement from a golden case: its blueprint, and what sizing and placing said of it.

`placement.yaml` stands for the stages before, so that a better estimate changes no golden file. A
case without a blueprint of its own is a shipped one, pinned by the case's lock file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from planner.farm import Farm, FarmAdapter, FarmModel, LocalFile, Placed, Placement
from planner.sizing.values import DeviceSize, HostSize, SizeReport, Term
from planner.sources.lock_file import read_lock
from planner.workflows import validate

SHIPPED: Final = "shipped-"  # begins the name of a case that renders a shipped blueprint
BLUEPRINTS: Final = Path(__file__).parents[2] / "blueprints"


def read_placement(case: Path) -> Placement:
    """The placement of a case folder. Fails when its blueprint is not valid."""
    data = yaml.safe_load((case / "placement.yaml").read_text())
    own = case / "blueprint.yaml"
    validated = validate(
        own if own.exists() else BLUEPRINTS / f"{case.name.removeprefix(SHIPPED)}.yaml"
    )
    assert validated.farm is not None, validated.diagnostics
    files: Mapping[str, Any] = data.get("files", {})
    models = tuple(_with_files(model, files.get(model.name, {})) for model in validated.farm.models)
    rows, gateway = data.get("gateway", {}), validated.farm.gateway_files
    gateway = gateway._replace(
        image=_local(gateway.image, rows.get("image")),
        caddy=_local(gateway.caddy, rows.get("caddy")),
    )
    farm = validated.farm._replace(models=models, gateway_files=gateway)
    if not own.exists():
        farm = farm._replace(pins=read_lock(case))
    replicas = tuple(_placed(farm, row) for row in data["replicas"])
    return Placement(farm, replicas)


def _with_files(model: FarmModel, files: Mapping[str, Any]) -> FarmModel:
    return model._replace(
        weights=_local(model.weights, files.get("weights")),
        archive=_local(model.archive, files.get("archive")),
        adapters=tuple(_adapter(item, files.get("adapters", {})) for item in model.adapters),
    )


def _adapter(item: FarmAdapter, rows: Mapping[str, Any]) -> FarmAdapter:
    if item.local is None or item.name not in rows:
        return item
    row = rows[item.name]
    files = tuple(
        file._replace(bytes=one["bytes"], sha256=one["sha256"])
        for file, one in zip(item.local.files, row, strict=True)
    )
    return item._replace(local=item.local._replace(files=files))


def _local(file: LocalFile | None, row: Mapping[str, Any] | None) -> LocalFile | None:
    if file is None or row is None:
        return file
    return LocalFile(file.path, row["bytes"], row["sha256"])


def _placed(farm: Farm, row: Mapping[str, Any]) -> Placed:
    model = next(item for item in farm.models if item.name == row["model"])
    host = farm.host(row["host"])
    devices = tuple(host.devices[index] for index in row.get("devices", ()))
    report = SizeReport(
        model=model.name,
        engine=model.engine,
        fits=True,
        devices=tuple(
            DeviceSize(d.device.id, d.index, d.memory_bytes, _terms(row.get("device_terms", {})))
            for d in devices
        ),
        host=HostSize(_terms(row.get("host_terms", {}))),
        kv_bytes_per_token=None,
        kv_capacity_tokens=row.get("kv_capacity_tokens"),
        max_context=None,
        decode=None,
        prefill=None,
        share=row.get("share"),
    )
    model = model._replace(memory_share=row.get("memory_share"))
    return Placed(model, row.get("index", 0), host, devices, report, row["port"])


def _terms(terms: Mapping[str, int]) -> tuple[Term, ...]:
    return tuple(Term(name, size, "as the case says") for name, size in terms.items())
