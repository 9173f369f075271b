"""Asks ComfyUI: the options it was started with (/system_stats).

Read in its source (``server.py``, 2026); not asked of a running server. Images pass options on in
their own ways, so what arrived is asked of the program itself.
"""

from __future__ import annotations

from typing import Any, Final

from planner.engines.api.values import Answers, Api, no_speed

_STATS: Final = "/system_stats"


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.comfyui`` gives what it asks for."""
    system: Any = answers.mapping(_STATS).get("system")
    argv: Any = system.get("argv") if isinstance(system, dict) else None
    if not isinstance(argv, list):
        return {}
    words = [str(word) for word in argv]
    off = "--disable-all-custom-nodes" in words
    found = {"custom_nodes": "off" if off else "on", "reserve_vram": "nothing"}
    if "--reserve-vram" in words[:-1]:
        found["reserve_vram"] = words[words.index("--reserve-vram") + 1]
    return found


API: Final = Api((_STATS,), "", read, no_speed, None)
