"""Measurements in the record: which are kept, and for how long. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from planner.apply.record import Record
from planner.sizing.measured import Learned

MOST: Final = 200  # measurements kept; the oldest go first


def remembering(record: Record, learned: Mapping[str, Learned], when: str) -> Record:
    """The record with these measurements, by settings digest; itself when nothing is new.

    A log that has lost its beginning says less than was known already and changes nothing.
    """
    known = dict(record.measured)
    for digest, item in learned.items():
        known[digest] = fuller(known.get(digest), item)
    newest = sorted(known, key=lambda digest: (known[digest].when, digest), reverse=True)[:MOST]
    kept = {digest: known[digest] for digest in newest}
    if kept == record.measured:
        return record
    return replace(record, serial=record.serial + 1, when=when, measured=kept)


def fuller(known: Learned | None, seen: Learned) -> Learned:
    """The newer measurement unless it holds fewer figures; the older when both say the same."""
    if known is None:
        return seen
    if known.measured == seen.measured or known.measured.known > seen.measured.known:
        return known
    return seen
