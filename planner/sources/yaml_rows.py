"""YAML text of planner's own rows to plain data, at a third of the cost of PyYAML's loader.

Rows are read at every start, and of what PyYAML's constructor can do they need nothing: no tags,
no anchors, no merge keys. Plain words mean what they mean in a blueprint. What rows do not use is
refused rather than read in some way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import yaml

from planner.sources.yaml_text import plain_value

_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class RowError(ValueError):
    """The text is YAML, but not of the kind that rows are written in."""


def read_row(text: str) -> object:
    """The one document in ``text``. Raises yaml.YAMLError when it is no YAML, RowError when it
    holds an anchor, a tag, a key twice, or a key that is no plain word."""
    events = yaml.parse(text, Loader=_Loader)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            data = _node(next(events), events)
            _end(events)
            return data
    return None


def _end(events: Iterator[Any]) -> None:
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            raise _fault(event, "a second document")


def _node(event: Any, events: Iterator[Any]) -> object:
    kind = type(event)
    if kind is yaml.AliasEvent or event.anchor or event.tag:
        raise _fault(event, "an anchor or a tag")
    if kind is yaml.ScalarEvent:
        return event.value if event.style else plain_value(event.value)
    if kind is yaml.SequenceStartEvent:
        return list(_items(events))
    return _mapping(events)


def _items(events: Iterator[Any]) -> Iterator[object]:
    for event in events:
        if type(event) is yaml.SequenceEndEvent:
            return
        yield _node(event, events)


def _mapping(events: Iterator[Any]) -> dict[object, object]:
    found: dict[object, object] = {}
    for event in events:
        if type(event) is yaml.MappingEndEvent:
            break
        key = _node(event, events)
        if not isinstance(key, str | int) or key in found:
            raise _fault(event, f"the key {key!r}, twice or no plain word,")
        found[key] = _node(next(events), events)
    return found


def _fault(event: Any, what: str) -> RowError:
    return RowError(f"{what} stands on line {event.start_mark.line + 1}")
