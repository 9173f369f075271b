"""Which keys of a model an engine makes nothing of: refused, not left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planner.diagnostics import Diagnostic, error
from planner.engines.engine import Engine
from planner.farm import FarmModel

# Keys that only some engines have something for; every other key is for all of them.
PARTICULAR: Final = (
    *("kv_dtype", "tensor_parallel", "pipeline_parallel", "expert_parallel", "gpu_layers"),
    *("cpu_moe", "override_tensor", "split_mode", "threads", "numa", "cpus", "experts_per_token"),
    "yarn",
)


def unknown_keys(
    engine: Engine, model: FarmModel, others: tuple[Engine, ...]
) -> Iterator[Diagnostic]:
    """An error for each key that is written and that the engine has nothing for.

    ``others`` are the engines that may be named instead.
    """
    for key in PARTICULAR:
        value = getattr(model.spec, key) if key != "yarn" else model.yarn
        if (not value and value != 0) or value is False or key in engine.keys:
            continue
        able = [
            other.name
            for other in others
            if key in other.keys and other.reads is engine.reads and _does(other, model)
        ]
        instead = f", or write engine: {' or '.join(able)}" if able else ""
        yield error(f"{engine.name} has no {key}", "models", model.name, key,
                    value=value if isinstance(value, int | float | str) else None,
                    advice=f"take {key} out{instead}")  # fmt: skip


def _does(engine: Engine, model: FarmModel) -> bool:
    return model.spec.task in engine.tasks
