"""Reads offers from ``inventory/offers*.yaml``: what planner ships, and the owner's own folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import planner
from planner.catalogue.provider import Offer
from planner.catalogue.snapshot import parse_offers
from planner.errors import UsageError

_PATTERN = "offers*.yaml"


def read_offers(folder: Path | None) -> tuple[Offer, ...]:
    """Every offer of the shipped files and of those in ``folder``, what stands in both once.

    Raises UsageError for a file that cannot be read, CatalogueError for a row that is not as it
    should be.
    """
    folders = dict.fromkeys(each.resolve() for each in (_shipped(), folder) if each is not None)
    paths = [path for each in folders for path in sorted(each.glob(_PATTERN))]
    found = (offer for path in paths for offer in parse_offers(_yaml(path), str(path)))
    return tuple(dict.fromkeys(found))


def _shipped() -> Path | None:
    """The inventory beside the code: in a wheel, or at the top of a checkout."""
    package = Path(planner.__file__).parent
    for folder in (package / "_shipped" / "inventory", package.parent / "inventory"):
        if folder.is_dir():
            return folder
    return None


def _yaml(path: Path) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = path.read_text(encoding="utf-8")
        return yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones
    except OSError as fault:
        raise UsageError("offers cannot be read", where=str(path), cause=fault.strerror) from fault
    except (UnicodeDecodeError, yaml.YAMLError) as fault:
        raise UsageError(
            "offers are no YAML",
            where=str(path),
            cause=str(fault),
            advice="mend the file, or take it out of the folder",
        ) from fault
