"""The table of status: one line a replica, with what it takes and how fast it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from planner.apply.watch import Heard
from planner.farm import Placed
from planner.sizing.measured import Lesson
from planner.units import gib
from planner.views.columns import aligned, clip
from planner.views.terminal import clean

_HEAD: Final = ("replica", "model", "roles", "device", "memory", "real", "tokens/s")
_NUMBERS: Final = frozenset({4, 5, 6})
_WIDTHS: Final = (12, 16, 12, 14)

Key = tuple[str, str]
Roles = Mapping[str, tuple[str, ...]]


def roles_of(roles: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Names of roles by their model; ``roles`` gives each one's model."""
    found: dict[str, tuple[str, ...]] = {}
    for name, model in roles.items():
        found[model] = (*found.get(model, ()), name)
    return found


def replica_lines(
    replicas: Iterable[Placed],
    roles: Roles,
    real: Mapping[Key, Lesson],
    heard: Mapping[Key, Heard],
) -> list[str]:
    """The table, and below it what engines say otherwise than they were told."""
    rows, wrong = [], []
    for item in replicas:
        key = (item.host.name, item.name)
        predicted, measured = memory(item, real.get(key))
        names = (item.name, item.model.source.name.rpartition("/")[2],
                 ", ".join(roles.get(item.model.name, ())) or "-", device(item))  # fmt: skip
        shown = (clip(clean(name), width) for name, width in zip(names, _WIDTHS, strict=True))
        rows.append((*shown, gib(predicted), "-" if measured is None else gib(measured),
                     _speed(heard.get(key))))  # fmt: skip
        wrong += _otherwise(item, heard.get(key))
    return [*aligned([_HEAD, *rows], right=_NUMBERS), *wrong] if rows else []


def device(item: Placed) -> str:
    """Where a replica computes: ``rtx-4090 #0``, or its host's CPU."""
    if not item.devices:
        return f"CPU of {item.host.name}"
    indices = ",".join(str(one.index) for one in item.devices)
    return f"{item.devices[0].device.id} #{indices}"


def memory(item: Placed, lesson: Lesson | None) -> tuple[int, int | None]:
    """Predicted and real bytes over all devices and RAM.

    Of a replica that told what it takes, both are of the terms it told; else real is not known.
    """
    sizes = [row for row in lesson.rows if row.unit != "tokens"] if lesson else []
    if sizes:
        return sum(row.predicted for row in sizes), sum(row.real for row in sizes)
    on_devices = sum(one.used_bytes for one in item.report.devices)
    return on_devices + item.report.host.used_bytes, None


def replica_to_dict(
    item: Placed, roles: Roles, lesson: Lesson | None, heard: Heard | None
) -> dict[str, Any]:
    """The same for scripts: bytes, tokens per second, and each setting with what is said of it."""
    predicted, measured = memory(item, lesson)
    return {
        "model": item.model.name,
        "source": item.model.source.name,
        "roles": list(roles.get(item.model.name, ())),
        "devices": [{"device": d.device.id, "index": d.index} for d in item.devices],
        "memory_bytes": {"predicted": predicted, "real": measured},
        "tokens_per_second": {
            "decode": heard.speed.decode if heard else None,
            "prefill": heard.speed.prefill if heard else None,
        },
        "settings": [
            {
                "name": setting.name,
                "key": setting.key,
                "asked": setting.value,
                "said": said,
                "holds": None if said is None else setting.holds(said),
            }
            for setting, said in (heard.settings if heard else ())
        ],
    }


def _speed(heard: Heard | None) -> str:
    decode = heard.speed.decode if heard else None
    return "-" if decode is None else f"{decode:.1f}"


def _otherwise(item: Placed, heard: Heard | None) -> list[str]:
    return [
        f"! {item.name}: {setting.name.replace('_', ' ')} should be {setting.value}, "
        f"it says {clean(said)}"
        for setting, said in (heard.wrong if heard else ())
    ]
