"""Asks ik_llama.cpp's llama-server: /props, and what it logged as it started.

Read in its source (2026); not asked of a running server. Its log has the lines of the llama.cpp it
was forked from.
"""

from __future__ import annotations

import re
from typing import Final

from planner.engines.api.llama_cpp import all_or, factor, speed
from planner.engines.api.values import Answers, Api

LINES: Final = (
    "n_expert_used +=|: (n_ctx|freq_scale) +=|KV self size +=|offloaded [0-9]+/[0-9]+ layers"
)
_PROPS: Final = "/props"
_LOGGED: Final = {
    "experts": re.compile(r"n_expert_used += (\d+)"),
    "pool": re.compile(r": n_ctx += (\d+)"),
}
_SCALE: Final = re.compile(r": freq_scale += (\S+)")
_CACHE: Final = re.compile(r"KV self size .*K \((\w+)\):.*V \((\w+)\):")
_LAYERS: Final = re.compile(r"offloaded (\d+)/(\d+) layers")


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.ik_llama_cpp`` gives what it asks for."""
    log, found = answers.log, answers.told(_PROPS, {"parallel": "total_slots"})
    for name, pattern in _LOGGED.items():
        said = pattern.findall(log)
        if said:
            found[name] = str(said[-1])
    scale = _SCALE.findall(log)
    if scale:
        found["yarn"] = factor(scale[-1])
    cache = _CACHE.findall(log)
    if cache:
        found["kv_dtype"] = ",".join(cache[-1])
    layers = _LAYERS.findall(log)
    if layers:
        found["gpu_layers"] = all_or(*layers[-1])
    return found


API: Final = Api((_PROPS,), LINES, read, speed)
