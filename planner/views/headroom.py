"""Draws how many more roles fit beside each model, and what its adapters cost to switch."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any, Final

from planner.sizing.headroom import MOST, Headroom
from planner.sizing.tiers import Switch
from planner.units import gib
from planner.views.columns import aligned, clip
from planner.views.terminal import Style, clean

_NUMBERS: Final = frozenset({1, 2, 3, 4, 5, 6})


def headrooms_to_text(found: Iterable[Headroom], style: Style) -> str:
    """A line a replica: its slots, and how many more adapters its device and RAM hold; below it
    the engine's settings and the delay of a switch."""
    every = tuple(found)
    if not every:
        return ""
    head = ("more roles", "slots", "rank", "a slot", "KV tokens", "on device", "in RAM")
    rows = [head, *(_row(item) for item in every)]
    lines = aligned(rows, right=_NUMBERS)
    drawn = [style.paint(lines[0], "dim")]
    for item, line in zip(every, lines[1:], strict=True):
        drawn += [line, *_below(item, style)]
    text = "on device: with the context as it is; roles that share an adapter take no memory"
    drawn.append(style.paint(text, "dim"))
    return "\n".join(drawn)


def _row(item: Headroom) -> tuple[str, ...]:
    return (
        clip(item.replica, 18),
        str(item.slots),
        str(item.rank),
        gib(item.slot_bytes or item.copy_bytes),
        "-" if not item.tokens_per_slot else f"{item.tokens_per_slot:,}",
        _count(item.more_on_device, MOST),
        _count(item.more_in_ram),
    )


def _count(value: int | None, most: int | None = None) -> str:
    if value is None:
        return "-"
    return f"{value}+" if value == most else str(value)


def _below(item: Headroom, style: Style) -> list[str]:
    texts = []
    if item.settings:
        texts.append("; ".join(f"{name} {value}" for name, value, _ in item.settings))
    if item.host_bytes:
        texts.append(f"copies in RAM: {gib(item.host_bytes)}")
    texts += [_switch(switch) for switch in item.switches]
    lines = []
    for text in texts:
        lines += [f"  {part}" for part in textwrap.wrap(clean(text), style.width - 2)]
    return [style.paint(line, "dim") for line in lines]


def _switch(switch: Switch) -> str:
    return (
        f"{switch.adapter} from {switch.tier}: {_seconds(switch.low)} to {_seconds(switch.high)} "
        f"more before the first token; {switch.why}"
    )


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def headrooms_to_list(found: Iterable[Headroom]) -> list[dict[str, Any]]:
    """The same for scripts: bytes as integers, seconds as numbers, unknown as null."""
    return [
        {
            "replica": item.replica,
            "engine": item.engine,
            "rank": item.rank,
            "slots": item.slots,
            "slot_bytes": item.slot_bytes,
            "copy_bytes": item.copy_bytes,
            "host_bytes": item.host_bytes,
            "kv_tokens_per_slot": item.tokens_per_slot,
            "more_on_device": item.more_on_device,
            "more_in_ram": item.more_in_ram,
            "settings": [
                {"name": name, "value": value, "why": why} for name, value, why in item.settings
            ],
            "switches": [
                {
                    "adapter": switch.adapter,
                    "tier": switch.tier.value,
                    "seconds": {"low": round(switch.low, 3), "high": round(switch.high, 3)},
                    "why": switch.why,
                }
                for switch in item.switches
            ],
        }
        for item in found
    ]
