"""The nearest known name, for messages about unknown ones."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(written: str, known: Iterable[str], count: int = 1) -> tuple[str, ...]:
    """Up to ``count`` known names that look like what was written, best first."""
    import difflib  # only needed once something is wrong

    lowered = {name.lower(): name for name in known}
    found = difflib.get_close_matches(written.lower(), list(lowered), n=count, cutoff=0.55)
    return tuple(lowered[name] for name in found)


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Names for a message: ``a, b and 3 more``."""
    every = list(names)
    if len(every) > limit:
        return f"{', '.join(every[:limit])} and {len(every) - limit} more"
    return ", ".join(every)


def as_names(texts: Iterable[str]) -> tuple[str, ...]:
    """A name for each text, as a blueprint takes names: ``10.0.0.2`` becomes ``host-10-0-0-2``.

    No two are the same.
    """
    import re  # only needed where hosts are named for the first time

    found: list[str] = []
    for text in texts:
        bare = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "host"
        name = bare = (bare if bare[0].isalpha() else f"host-{bare}")[:36].rstrip("-")
        number = 2
        while name in found:
            name, number = f"{bare}-{number}", number + 1
        found.append(name)
    return tuple(found)


def advise(written: str, known: Iterable[str], what: str) -> str:
    """What to write instead of an unknown name: the nearest, else all that are known."""
    names = list(known)
    close = nearest(written, names)
    if close:
        return f"did you mean {close[0]}?"
    if names:
        return f"{what} known here: {listed(names)}"
    return f"there is no {what} here yet"
