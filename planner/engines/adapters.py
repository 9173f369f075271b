"""What engines with adapter slots are told: the tiers' settings, and names with their paths."""

from __future__ import annotations

from collections.abc import Mapping

from planner.engines.engine import Launch, Option
from planner.farm import FarmModel


def settings(model: FarmModel) -> Mapping[str, str]:
    """The tiers as sizing counted them, by the engine's own names.

    Raises ValueError for a rank above the largest, which sizing refuses first.
    """
    # only a farm with adapters waits for it
    from planner.sizing.tiers import engine_settings

    return {item.name: item.value for item in engine_settings(model)}


def loaded_at_start(option: str, launch: Launch, names: str | None) -> Option | None:
    """``option`` with ``name=path`` of each of the comma separated ``names``; None without any."""
    wanted = names.split(",") if names else []
    pairs = tuple(f"{name}={path}" for name, path in launch.adapters if name in wanted)
    return Option(option, pairs[0], more=pairs[1:]) if pairs else None
