"""What an engine was told, as settings that it must say of itself once it runs."""

from __future__ import annotations

from typing import Final

from planner.engines.api.values import Setting, adapter_setting
from planner.engines.engine import Launch
from planner.engines.parallel import parallelism
from planner.farm import FarmModel

# Where the blueprint says what a setting is called otherwise there.
_KEYS: Final = {
    "experts": "experts_per_token",
    "dtype": "quant",
    "files": "source",
    "name": "",
    "pool": "context",
    "quantization": "quant",
    "adapters": "adapters",
}
_DERIVED: Final = frozenset(
    {"memory", "pool", "reserve_vram"}
)  # planner's own numbers, no key of the blueprint
_LEAST: Final = frozenset({"context"})


def asked_of(model: FarmModel, **told: object) -> tuple[Setting, ...]:
    """Settings by their names, those with a value; each with its key in the blueprint.

    What ``extra_args`` may have set to something else is still asked for where the blueprint
    writes it: two answers to one question are a fault. What planner chose by itself then gives way.
    """
    found = []
    for name, value in told.items():
        if value is None:
            continue
        key = "adapters" if name.startswith("adapter ") else _KEYS.get(name, name)
        written = name in ("name", "adapters") or name.startswith("adapter ")
        written = written or getattr(model.spec, key, None) is not None
        if model.spec.extra_args and (name in _DERIVED or not written):
            continue
        where = ".".join(part for part in ("models", model.name, key) if part)
        found.append(Setting(name, str(value), where, least=name in _LEAST))
    return tuple(found)


def asked_of_server(
    launch: Launch, cache: str | None, quantization: str | None, memory: str | None
) -> tuple[Setting, ...]:
    """What servers that cut safetensors over cards are told alike, and so must say of themselves;
    ``auto`` as a cache is no wish."""
    model, shape = launch.placed.model, parallelism(launch.placed)
    return asked_of(
        model,
        name=model.name,
        context=model.context,
        kv_dtype=None if cache == "auto" else cache,
        quantization=quantization,
        experts=model.spec.experts_per_token,
        yarn=f"{model.yarn:.3g}" if model.yarn else None,
        tensor_parallel=shape.tensor if shape.tensor > 1 else None,
        pipeline_parallel=shape.pipeline if shape.pipeline > 1 else None,
        memory=memory,
        **{adapter_setting(name): path for name, path in launch.adapters},
    )
