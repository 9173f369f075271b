"""What an engine was told, as settings that it must say of itself once it runs."""

from __future__ import annotations

from typing import Final

from planner.engines.api.values import Setting
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
