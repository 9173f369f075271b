"""YAML text to a Document: YAML 1.2's plain words, every position kept, every trap closed.

PyYAML's own resolver turns ``no`` into False, ``022`` into 18 and ``22:22`` into 1342, and its
constructor lets the last of two equal keys win. Here a plain scalar is a boolean, an integer, a
float or null only as YAML 1.2's core schema has it, and everything else stays the text that
stands in the file. The parser's events are read one by one, so that nesting, aliases and size have
limits before anything is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from planner.blueprint.document import Document
from planner.diagnostics import Diagnostic, DocumentPath, Position, Severity, error, shorten

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 40
MAX_NODES: Final = 50_000
MAX_FAULTS: Final = 50

_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)")
_FLOAT: Final = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, object]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
# Line breaks and tabs apart; halves of a surrogate pair cannot be written to any file.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_TAGS: Final = "tag:yaml.org,2002:"
_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Stop(Exception):
    """Reading cannot go on; the diagnostic is already gathered."""


def read_yaml(text: str, file: str) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """The document in ``text``; ``file`` is the name used in messages.

    Returns no document when the text is not YAML or passes a limit. Duplicate keys, tags and merge
    keys are errors beside a document, so that one run names them together with everything else.
    """
    if len(text.encode()) > MAX_BYTES:
        return None, (too_large(file, len(text.encode())),)
    builder = _Builder(file)
    try:
        builder.read(yaml.parse(text, Loader=_Loader))
    except _Stop:
        return None, tuple(builder.faults)
    except yaml.YAMLError as fault:
        return None, (*builder.faults, _syntax(fault, file))
    return builder.document(), tuple(builder.faults)


def too_large(file: str, size: int) -> Diagnostic:
    """What to say of a file over the limit."""
    return _fault(
        file,
        1,
        1,
        f"the file has {size:,} bytes; a blueprint has at most {MAX_BYTES:,}",
        "is this the right file? large data does not belong in a blueprint",
    )


def plain_value(text: str) -> object:
    """What a plain scalar means by YAML 1.2's core schema (decimal integers may hold ``_``)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) < 40 else text
    if text[-1:].isdigit() and ("." in text or "e" in text.lower()) and _FLOAT.fullmatch(text):
        number = float(text)
        return number if abs(number) != float("inf") else text
    return text


class _Builder:
    """Builds data and positions from events, with an explicit stack instead of recursion."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Diagnostic] = []
        self.keys: dict[DocumentPath, Position] = {}
        self.values: dict[DocumentPath, Position] = {}
        self.written: dict[DocumentPath, str] = {}
        self.anchors: dict[str, tuple[object, int]] = {}
        self.nodes = 0
        self.data: object = None
        self.documents = 0

    def document(self) -> Document:
        return Document(self.file, self.data, self.keys, self.values, self.written)

    def read(self, events: Iterator[Any]) -> None:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    self.stop(event, "a second document starts here", "keep one blueprint a file")
                self.data = self.node(next(events), events, (), 0)

    def node(self, event: Any, events: Iterator[Any], path: DocumentPath, depth: int) -> object:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.stop(event, f"more than {MAX_NODES:,} values", "is this the right file?")
        if depth > MAX_DEPTH:
            self.stop(event, f"nested deeper than {MAX_DEPTH} levels", "is this the right file?")
        mark = event.start_mark
        self.values[path] = Position(self.file, mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        before = self.nodes
        if isinstance(event, yaml.ScalarEvent):
            value = self.scalar(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            self.tagged(event, path, "seq")
            value = self.sequence(events, path, depth)
        else:
            self.tagged(event, path, "map")
            value = self.mapping(events, path, depth)
        if event.anchor:
            self.anchors[event.anchor] = (value, self.nodes - before + 1)
        return value

    def alias(self, event: Any) -> object:
        if event.anchor not in self.anchors:
            self.stop(event, f"*{event.anchor} names no anchor above it", f"define &{event.anchor}")
        value, size = self.anchors[event.anchor]
        self.nodes += size
        if self.nodes > MAX_NODES:
            self.stop(event, f"aliases expand to more than {MAX_NODES:,} values", "write it out")
        return value

    def scalar(self, event: Any, path: DocumentPath) -> object:
        text = self.without_control(event, path)
        self.written[path] = text
        if event.tag and event.tag not in ("!", f"{_TAGS}str"):
            self.tagged(event, path, "str")
        if event.tag or event.style:
            return text
        return plain_value(text)

    def sequence(self, events: Iterator[Any], path: DocumentPath, depth: int) -> list[object]:
        items: list[object] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self.node(event, events, (*path, len(items)), depth + 1))
        return items

    def mapping(self, events: Iterator[Any], path: DocumentPath, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.key(event, events, path, depth)
            spot = (*path, key)
            mark = event.start_mark
            position = Position(self.file, mark.line + 1, mark.column + 1)
            if key in found:
                self.fault(
                    error(
                        f"{key!r} is written twice; first on line {self.keys[spot].line}",
                        *spot,
                        advice="keep one of the two",
                    ).at(position)
                )
                self.node(next(events), events, (*path, f"{key} (again)"), depth + 1)
                continue
            self.keys[spot] = position
            value = self.node(next(events), events, spot, depth + 1)
            if key == "<<":
                self.fault(
                    error(
                        "merge keys are not read",
                        *spot,
                        advice="write the keys out, or reuse a whole value with &name and *name",
                    ).at(position)
                )
                continue
            found[key] = value
        return found

    def key(self, event: Any, events: Iterator[Any], path: DocumentPath, depth: int) -> str:
        if isinstance(event, yaml.ScalarEvent):
            return self.without_control(event, path)
        if isinstance(event, yaml.AliasEvent):
            self.stop(event, "an alias cannot be a key", "write the key as plain text")
        self.stop(
            event,
            "a key is a list or a mapping",
            "write the key as plain text; text that starts with { or [ needs quotes",
        )
        raise AssertionError

    def without_control(self, event: Any, path: DocumentPath) -> str:
        """The text. Escapes can write what no path, argument or terminal should be given: that is
        an error, and what looks at the rest does not see it."""
        text = str(event.value)
        found = _CONTROL.search(text)
        if found is None:
            return text
        mark = event.start_mark
        self.fault(
            error(
                f"the text holds the control character U+{ord(found[0]):04X}",
                *path,
                advice="take it out; line breaks and tabs are the only ones that are read",
            ).at(Position(self.file, mark.line + 1, mark.column + 1))
        )
        return _CONTROL.sub("", text)

    def tagged(self, event: Any, path: DocumentPath, plain: str) -> None:
        if event.tag and event.tag not in ("!", f"{_TAGS}{plain}"):
            mark = event.start_mark
            shown = event.tag.replace(_TAGS, "!!")
            self.fault(
                error(
                    f"the tag {shortened(shown)} is not read",
                    *path,
                    advice="write the value without a tag",
                ).at(Position(self.file, mark.line + 1, mark.column + 1))
            )

    def fault(self, diagnostic: Diagnostic) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(diagnostic)

    def stop(self, event: Any, summary: str, advice: str) -> None:
        mark = event.start_mark
        self.faults.append(_fault(self.file, mark.line + 1, mark.column + 1, summary, advice))
        raise _Stop


def shortened(text: str) -> str:
    """A tag for a message."""
    return shorten(text, 40)


def _fault(file: str, line: int, column: int, summary: str, advice: str) -> Diagnostic:
    return Diagnostic(Severity.ERROR, summary, position=Position(file, line, column), advice=advice)


def _syntax(fault: yaml.YAMLError, file: str) -> Diagnostic:
    mark = getattr(fault, "problem_mark", None) or getattr(fault, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = getattr(fault, "problem", None) or getattr(fault, "reason", None) or "not YAML"
    advice = "check the indentation and the quotes there and on the line above"
    if "\\t" in str(problem) or "tab" in str(problem):
        advice = "indent with spaces; YAML does not take tabs"
    return _fault(file, line, column, f"this is not YAML: {shorten(str(problem))}", advice)
