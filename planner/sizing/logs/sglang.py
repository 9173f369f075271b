"""SGLang: weights, pools and graphs of each rank. It prints GB and means GiB.

Formats: ``Load weight end. ... mem usage=15.54 GB`` (``elapsed=`` since 2026), ``KV Cache is
allocated. #tokens: N, K size: a GB, V size: b GB`` (one ``KV size`` for latent attention), pools of
sliding windows (``SWAKVPool mem usage``) and of recurrent state (``Mamba Cache``), and
``Capture ... graph end. ... mem usage=2.51 GB``.
"""

from __future__ import annotations

import re
from typing import Final

from planner.sizing.logs.figures import count, first, from_gib, total
from planner.sizing.measured import Measured, Share

LINES: Final = (
    "Load weight end|KV Cache is allocated|SWAKVPool mem usage|Mamba Cache is allocated"
    "|graph end|max_total_num_tokens="
)

_RANK: Final = re.compile(r"^\[[^\]]*?(?:PP(\d+) ?)?(?:TP(\d+))[^\]]*\]")
_LOADED: Final = re.compile(r"Load weight end\..*?mem usage=(-?\d+\.?\d*) ?GB")
_POOL: Final = re.compile(r"KV Cache is allocated\.(.*)")
_SIZE: Final = re.compile(r"\b(?:K|V|KV) size: (\d+\.?\d*) ?GB")
_WINDOWS: Final = re.compile(r"SWAKVPool mem usage: (\d+\.?\d*) ?GB")
_STATE: Final = re.compile(r"_state size: (\d+\.?\d*) ?GB")
_GRAPHS: Final = re.compile(r"graph end\..*?mem usage=(\d+\.?\d*) ?GB")
_TOKENS: Final = re.compile(r"(?:max_total_num_tokens=|#tokens: )([\d,]+)")
_CONTEXT: Final = re.compile(r"context_len=(\d+)")


def read(text: str) -> Measured:
    """What SGLang said of its memory, rank by rank. What it did not say is None."""
    ranks: dict[tuple[int, int], list[str]] = {}
    for line in text.splitlines():
        found = _RANK.match(line)
        key = (int(found[1] or 0), int(found[2])) if found else (0, 0)
        ranks.setdefault(key, []).append(line)
    shares = [_share("\n".join(lines)) for _, lines in sorted(ranks.items())]
    tokens, context = first(_TOKENS, text), first(_CONTEXT, text)
    return Measured(
        devices=tuple(share for share in shares if share != Share()),
        kv_tokens=count(tokens) if tokens else None,
        context=int(context) if context else None,
    )


def _share(text: str) -> Share:
    # a draft model's line may be negative: memory the target's loader gave back meanwhile
    weights = [from_gib(size) for size in _LOADED.findall(text)]
    windows = _WINDOWS.findall(text)
    sizes = windows or [size for pool in _POOL.findall(text) for size in _SIZE.findall(pool)]
    return Share(
        weights[0] if weights else None,
        total(from_gib(size) for size in (*sizes, *_STATE.findall(text))),
        None,
        total(from_gib(size) for size in _GRAPHS.findall(text)),
    )
