"""Which weights llama.cpp's --override-tensor puts elsewhere, by layer.

A rule is ``pattern=buffer``: the pattern, a regular expression, is looked for in the names of the
file's tensors, the first rule that matches one decides, and the buffer is ``CPU`` or a card by its
backend and number (src/llama-model-loader.cpp, create_tensor). ``--cpu-moe`` writes such rules too,
and planner's command gives it before these.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from planner.sizing.architecture import Architecture, Role, Tensor
from planner.sizing.gguf import BASE, tensor_types
from planner.sizing.gguf_types import type_bytes

HOST: Final = -1
_BUFFER: Final = re.compile(r"CPU|[A-Za-z]+?(\d+)")
_USUAL: Final = "Q4_K_M"


class Group(StrEnum):
    """What a tensor belongs to, as the ledger counts it."""

    REST = "rest"
    EXPERTS = "experts"
    OUTPUT = "output"
    EMBEDDING = "embedding"


class Match(NamedTuple):
    """The part of a group that a rule takes: ``bytes`` of ``of``, both as the preset has them.

    ``layer`` is -1 for what belongs to none.
    """

    rule: int
    layer: int
    group: Group
    bytes: int
    of: int


def target(rule: str) -> int | None:
    """Where a rule puts what it matches: HOST, or a card's number; None for no buffer at all."""
    found = _BUFFER.fullmatch(rule.rpartition("=")[2])
    if found is None:
        return None
    return HOST if found[1] is None else int(found[1])


def pattern(rule: str) -> re.Pattern[str] | None:
    """What a rule looks for; None where that is no regular expression."""
    try:
        return re.compile(rule.rpartition("=")[0])
    except re.error:
        return None


@lru_cache(maxsize=256)
def matches(architecture: Architecture, preset: str, rules: tuple[str, ...]) -> tuple[Match, ...]:
    """What each rule takes of each layer, by the sizes that ``preset`` gives the tensors."""
    patterns = [pattern(rule) for rule in rules]
    whole: dict[tuple[int, Group], int] = defaultdict(int)
    taken: dict[tuple[int, int, Group], int] = defaultdict(int)
    kind = preset if preset in BASE else _USUAL
    for tensor, layer, own in tensor_types(architecture, kind):
        size, group = type_bytes(own, tensor.elements_each), _group(tensor, layer)
        whole[layer, group] += size
        name = tensor_name(tensor, layer)
        found = (i for i, wanted in enumerate(patterns) if wanted and wanted.search(name))
        first = next(found, None)
        if first is not None:
            taken[first, layer, group] += size
    return tuple(
        Match(rule, layer, group, size, whole[layer, group])
        for (rule, layer, group), size in taken.items()
    )


def idle(found: tuple[Match, ...], rules: tuple[str, ...]) -> Iterator[str]:
    """Rules that match nothing: the server takes them and does nothing."""
    at_work = {item.rule for item in found}
    yield from (rule for index, rule in enumerate(rules) if index not in at_work)


def _group(tensor: Tensor, layer: int) -> Group:
    if tensor.role is Role.EMBEDDING:
        return Group.EMBEDDING
    if layer < 0:
        return Group.OUTPUT
    return Group.EXPERTS if tensor.gguf.endswith("_exps") else Group.REST


def tensor_name(tensor: Tensor, layer: int) -> str:
    """As the file has it: ``blk.3.ffn_up_exps.weight``."""
    ending = "bias" if tensor.role is Role.BIAS else "weight"
    block = f"blk.{layer}." if layer >= 0 else ""
    return f"{block}{tensor.gguf}.{ending}"
