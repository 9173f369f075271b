"""vLLM: what each worker says of weights, profiled peak, pool and graphs.

Formats: V0 (to 0.8: ``model weights take 8.63GiB; ... KV Cache is 45.21GiB``, ``# cuda blocks``),
V1 (``Available KV cache memory: 8.98 GiB``, ``GPU KV cache size: 65,376 tokens``), its summary from
0.10.2 (``Actual usage is 8.96 GiB for weight, 1.23 GiB for peak activation, ...``) and that of
0.28, which prints weights and libraries as one figure: not read as weights. "GB" of versions
before 0.8.3 is GiB.
"""

from __future__ import annotations

import re
from typing import Final

from planner.sizing.logs.figures import count, first, from_gib, total
from planner.sizing.measured import Measured, Share

LINES: Final = (
    "[Mm]odel (weights )?(loading )?(take|took)|KV [Cc]ache|(cuda|GPU) blocks"
    "|Graph capturing finished|Actual usage|peak memory|server version|LLM engine [(]v"
    "|max model len|Maximum concurrency"
)

_RANK: Final = re.compile(r"^\s*\((\w+?)(?: rank=(\d+))?(?: pid=(\d+))?\)")
_PARALLEL: Final = re.compile(r"(PP|TP)(\d+)")
_LOADED: Final = re.compile(r"(?:Model loading|Loading model weights) took (\d+\.?\d*) ?Gi?B")
_WEIGHTS: Final = re.compile(
    r"(?:model weights take (\d+\.?\d*) ?GiB|usage is (\d+\.?\d*) GiB for weight)"
)
_POOL: Final = re.compile(
    r"(?:Available KV cache memory: |reserved for KV Cache is |KV Cache is |"
    r"kv cache memory in use is )(\d+\.?\d*) ?GiB"
)
_PEAK: Final = re.compile(
    r"(?:activation peak memory takes (\d+\.?\d*) ?GiB|(\d+\.?\d*) GiB for peak activation)"
)
_GRAPHS: Final = re.compile(r"Graph capturing finished in [\d.]+ secs?, took (\d+\.?\d*) GiB")
_GRAPHS_IN_SUMMARY: Final = re.compile(r"(\d+\.?\d*) GiB (?:for )?CUDAGraph")
_TOKENS: Final = re.compile(r"GPU KV cache size: ([\d,]+)")
_BLOCKS: Final = re.compile(r"# (?:cuda|GPU) blocks: (\d+)")
_BLOCK_TOKENS: Final = 16  # the default of V0, which printed blocks only
_CONTEXT: Final = re.compile(r"(?:max_seq_len=|max model len |Maximum concurrency for )([\d,]+)")
_VERSION: Final = re.compile(r"(?:server version |LLM engine \(v)(\d[\w.+]*)")


def read(text: str) -> Measured:
    """What vLLM said of its memory, worker by worker. What it did not say is None."""
    shares = [_share("\n".join(lines)) for _, lines in sorted(_by_rank(text).items())]
    tokens = [count(found) for found in _TOKENS.findall(text)]
    tokens = tokens or [int(found) * _BLOCK_TOKENS for found in _BLOCKS.findall(text)]
    context = first(_CONTEXT, text)
    return Measured(
        devices=tuple(share for share in shares if share != Share()),
        kv_tokens=min(tokens, default=None),  # the engine goes by its poorest rank
        context=count(context) if context else None,
        version=first(_VERSION, text),
    )


def _by_rank(text: str) -> dict[tuple[int, int, int], list[str]]:
    """Lines by the worker that printed them: pipeline stage, tensor rank, order of appearance."""
    found: dict[tuple[int, int, int], list[str]] = {}
    seen: dict[str, int] = {}
    for line in text.splitlines():
        prefix = _RANK.match(line)
        name, rank, pid = prefix.groups() if prefix else ("", None, None)
        place = {kind: int(number) for kind, number in _PARALLEL.findall(name)}
        turn = 0
        if not place and rank is None and pid is not None:
            turn = seen.setdefault(pid, len(seen) + 1)  # the driver, without a prefix, is first
        key = (place.get("PP", 0), place.get("TP", int(rank or 0)), turn)
        found.setdefault(key, []).append(line)
    return found


def _share(text: str) -> Share:
    weights = total(from_gib(found) for found in _LOADED.findall(text))
    graphs = _last(_GRAPHS, text)
    return Share(
        _last(_WEIGHTS, text) if weights is None else weights,
        _last(_POOL, text),
        _last(_PEAK, text),
        _last(_GRAPHS_IN_SUMMARY, text) if graphs is None else graphs,
    )


def _last(pattern: re.Pattern[str], text: str) -> int | None:
    """Bytes of the last figure that matches: a rank repeats a line only to correct it."""
    figures = [next(filter(None, found.groups())) for found in pattern.finditer(text)]
    return from_gib(figures[-1]) if figures else None
