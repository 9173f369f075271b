"""Asks llama-server: /props, /lora-adapters, and what it logged as it started.

Read in the answers and log of build 11669 (0.7.0, 2026-11). It logs its settings at
``--log-verbosity 4`` only, which planner sets; without the option (builds of before) what stands in
the log alone is not told. Adapters are taken at start only: POST /lora-adapters changes the scales
of files that are loaded, and there is no other way in; a router (``--models-preset``) would start a
second process with a base of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from planner.engines.api.metrics import rate
from planner.engines.api.values import Answers, Api, Speed

LINES: Final = (
    "n_expert_used +=|llama_context: (n_ctx|freq_scale) +=|rope scaling +="
    r"|llama_kv_cache: size =|offloaded [0-9]+/[0-9]+ layers|no usable GPU found"
)
_EXPERTS: Final = re.compile(r"n_expert_used += (\d+)")
_POOL: Final = re.compile(r"llama_context: n_ctx += (\d+)")
_SCALE: Final = re.compile(r"llama_context: freq_scale += (\S+)")
_CACHE: Final = re.compile(r"K \((\w+)\):.*V \((\w+)\):")
_NO_GPU: Final = "no usable GPU found"  # a build without support takes the option and ignores it
_LAYERS: Final = re.compile(r"offloaded (\d+)/(\d+) layers")


def read(answers: Answers) -> dict[str, str]:
    """Its settings, by the names that ``planner.engines.llama_cpp`` gives what it asks for."""
    return dict(_read(answers))


def _read(answers: Answers) -> Iterator[tuple[str, str]]:
    props, log = answers.mapping("/props"), answers.log
    context = props.get("default_generation_settings", {}).get("n_ctx")
    if context:
        yield "context", str(context)
    if "total_slots" in props:
        yield "parallel", str(props["total_slots"])
    if "model_alias" in props:
        yield "name", str(props["model_alias"])
    kind = quantization(str(props.get("model_ftype", "")))
    if kind:
        yield "quantization", kind
    if "/lora-adapters" in answers.bodies:
        yield "adapters", ",".join(str(row.get("path")) for row in answers.rows("/lora-adapters"))
    for name, pattern in (("experts", _EXPERTS), ("pool", _POOL)):
        found = pattern.findall(log)
        if found:
            yield name, str(found[-1])
    scale = _SCALE.findall(log)
    if scale:
        yield "yarn", factor(scale[-1])
    cache = _CACHE.findall(log)
    if cache:
        yield "kv_dtype", ",".join(cache[-1])
    layers = _LAYERS.findall(log)
    if layers:
        yield "gpu_layers", all_or(*layers[-1])
    elif _NO_GPU in log:
        yield "gpu_layers", "0"


def quantization(said: str) -> str | None:
    """``Q4_K_M`` of ``Q4_K - Medium``; None for a guess from the tensors."""
    if not said or said.startswith("(guessed)"):
        return None
    kind, _, size = said.removeprefix("all ").partition(" - ")
    suffix = {"Small": "_S", "Medium": "_M", "Large": "_L"}.get(size, "")
    return f"{kind}{suffix}".strip().upper()


def factor(scale: str) -> str:
    """By how much positions are stretched; the server says by how much they shrink."""
    try:
        return f"{1 / float(scale):.3g}"
    except (ValueError, ZeroDivisionError):
        return scale


def all_or(count: str, of: str) -> str:
    """How many layers are on cards; ``all`` where none is left."""
    return "all" if count == of else count


def speed(text: str) -> Speed:
    """Averages over all requests since it started."""
    return Speed(
        rate(text, "llamacpp:tokens_predicted_total", "llamacpp:tokens_predicted_seconds_total"),
        rate(text, "llamacpp:prompt_tokens_total", "llamacpp:prompt_seconds_total"),
    )


API: Final = Api(("/props", "/lora-adapters"), LINES, read, speed)
