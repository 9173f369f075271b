"""The farm's adapters joined with what their files say, and checked against their models."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from planner.diagnostics import Diagnostic
from planner.farm import Farm, FarmAdapter, FarmModel
from planner.sizing.adapter_files import AdapterFiles, check_adapter
from planner.sizing.architecture import Architecture
from planner.sizing.engines_memory import ENGINES
from planner.sizing.tiers import check_tiers


def adapted(
    farm: Farm,
    files: Mapping[str, AdapterFiles],
    architecture: Callable[[FarmModel], Architecture | None],
) -> tuple[Farm, tuple[Diagnostic, ...]]:
    """The farm with ranks and sizes of adapters as ``files`` has them; every finding about them.

    ``architecture`` tells what a model is made of, None where that is not known.
    """
    models = tuple(_joined(model, files) for model in farm.models)
    found: list[Diagnostic] = []
    for model in models:
        engine = ENGINES.get(model.engine)
        serves = engine is None or "adapters" in engine.options
        found += check_tiers(model, serves=serves)
        shape = architecture(model) if model.adapters else None
        for item in model.adapters:
            if item.name in files:
                written = farm.blueprint.adapters[item.name]
                found += check_adapter(item.name, written, files[item.name], shape)
    return farm._replace(models=models), tuple(dict.fromkeys(found))


def _joined(model: FarmModel, files: Mapping[str, AdapterFiles]) -> FarmModel:
    if not any(item.name in files for item in model.adapters):
        return model
    carried = tuple(_read(item, files.get(item.name)) for item in model.adapters)
    rank = max((item.rank for item in carried if item.rank), default=None)
    return model._replace(adapters=carried, adapter_rank=rank)


def _read(item: FarmAdapter, files: AdapterFiles | None) -> FarmAdapter:
    if files is None:
        return item
    return item._replace(rank=item.rank or files.rank, bytes=files.bytes or None)
