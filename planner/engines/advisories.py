"""Versions that are known to be bad: a dated table, and what it says of one version. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from planner.diagnostics import Diagnostic, error, warning
from planner.engines.options import EngineDataError

FILE: Final = "engines/advisories.yaml"
_VERSION: Final = re.compile(r"b?\d+(?:\.\d+)+|b\d{3,}")


@dataclass(frozen=True, slots=True)
class Advisory:
    """Why some versions of a package are refused, or warned of. ``below`` is the first good one."""

    package: str
    id: str
    what: str
    source: str
    date: str
    refuse: bool
    since: str | None = None
    below: str | None = None
    only: tuple[str, ...] = ()

    def covers(self, version: str) -> bool:
        """Whether it is about this version."""
        if version in self.only:
            return True
        if self.below is None or _is_build(version) != _is_build(self.below):
            return False  # llama.cpp counts builds in one place and versions in another
        older = _order(version) < _order(self.below)
        return older and (self.since is None or _order(version) >= _order(self.since))


@cache
def parse_advisories(text: str) -> tuple[tuple[Advisory, ...], Mapping[str, str]]:
    """The rows, and the packages of images by the last part of their names.

    Raises EngineDataError on a bad row.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    try:
        return tuple(_row(row) for row in data["advisories"]), dict(data["images"])
    except (KeyError, TypeError) as fault:
        raise EngineDataError(f"{FILE}: {fault!r}") from fault


def check_version(
    templates: Mapping[str, str], package: str, version: str, *path: str | int
) -> tuple[Diagnostic, ...]:
    """What is known against a version; an error where it must not run."""
    rows, _ = parse_advisories(templates[FILE])
    return tuple(_said(row, version, path) for row in rows
                 if row.package == package and row.covers(version))  # fmt: skip


def check_image(
    templates: Mapping[str, str], reference: str, *path: str | int
) -> tuple[Diagnostic, ...]:
    """What is known against the version that an image's tag names; nothing without a tag."""
    _, images = parse_advisories(templates[FILE])
    name, _, tag = reference.partition("@")[0].rpartition("/")[2].partition(":")
    found = _VERSION.search(tag)
    if found is None:
        return ()
    return check_version(templates, images.get(name, name), found[0], *path)


def _said(row: Advisory, version: str, path: Iterable[str | int]) -> Diagnostic:
    tell = error if row.refuse else warning
    good = f"take {row.below} or newer" if row.below else "take another version"
    return tell(f"{row.package} {version} is known to be bad ({row.id})", *path, value=version,
                detail=f"{row.what} ({row.date}, {row.source})", advice=good)  # fmt: skip


def _row(row: Mapping[str, Any]) -> Advisory:
    return Advisory(
        package=row["package"],
        id=row["id"],
        what=row["what"],
        source=row["source"],
        date=str(row["date"]),
        refuse=bool(row["refuse"]),
        since=str(row["from"]) if "from" in row else None,
        below=str(row["below"]) if "below" in row else None,
        only=tuple(map(str, row.get("only", ()))),
    )


def _is_build(version: str) -> bool:
    return "." not in version


def _order(version: str) -> tuple[int, ...]:
    numbers = tuple(int(part) for part in re.findall(r"\d+", version))
    while numbers and numbers[-1] == 0:
        numbers = numbers[:-1]
    return numbers
