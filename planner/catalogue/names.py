"""Compares names as people, drivers and shops write them."""

import re
from collections.abc import Iterable

# Words that makers and drivers put around the name of a part without telling two parts apart.
_DECORATION = frozenset(
    {"nvidia", "geforce", "tesla", "amd", "radeon", "instinct", "intel", "ryzen", "edition"}
    | {"generation", "gpu", "graphics", "card", "cpu", "processor", "r", "tm", "with"}
)
_GLUED = re.compile(r"\b(rtx|gtx|rx|arc|epyc|xeon)(?=\d)")
_CORES = re.compile(r"\b\d+[- ]?cores?\b")
_TOKEN = re.compile(r"[a-z0-9.]+")
_MEMORY = re.compile(r"(\d+) ?gi?b\b")
_SXM = re.compile(r"\bsxm\d\b")


def part_tokens(name: str) -> frozenset[str]:
    """Return the words of a part's name that tell it from others.

    ``NVIDIA A100-SXM4-80GB`` gives {a100, sxm, 80}, as does ``a100-80-sxm``.
    """
    return frozenset(part_words(name))


def part_words(name: str) -> tuple[str, ...]:
    """Return the same words in the order written, for comparing misspelt names."""
    text = name.lower().partition(" w/ ")[0].replace("+", " plus ").replace("_", "-")
    text = _CORES.sub(" ", _SXM.sub("sxm", _GLUED.sub(r"\1 ", text)))
    text = _MEMORY.sub(r" \1 ", text)
    return tuple(word for word in _TOKEN.findall(text) if word not in _DECORATION)


def stated_memory_gb(name: str) -> int | None:
    """Return the memory that a part's name states, as 80 in ``H100 80GB``, or None."""
    found = _MEMORY.search(name.lower())
    return int(found[1]) if found else None


def squash(name: str) -> str:
    """Return a model's or a format's name without case and separators, for comparing."""
    return re.sub(r"[\s_:/()-]+", "", name.lower())


def nearest(name: str, known: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """Return the known names most like ``name``, best first; empty when nothing is like it."""
    from difflib import get_close_matches

    by_key = {squash(item): item for item in known}
    return tuple(by_key[key] for key in get_close_matches(squash(name), by_key, count, 0.6))
