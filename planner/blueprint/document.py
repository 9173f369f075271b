"""A YAML document as a value: plain data, and where each part stands in its file."""

from __future__ import annotations

from typing import NamedTuple

from planner.diagnostics import Diagnostic, DocumentPath, Position


class Document(NamedTuple):
    """Parsed text. ``keys`` holds where a mapping's key stands, ``values`` where a value does.

    ``written`` is the text of each scalar as it stands in the file, for messages.
    """

    file: str
    data: object
    keys: dict[DocumentPath, Position]
    values: dict[DocumentPath, Position]
    written: dict[DocumentPath, str]

    def position(self, path: DocumentPath, *, key: bool = False) -> Position:
        """Where ``path`` stands; of a missing path, where its nearest present parent does."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        for length in range(len(path), -1, -1):
            part = path[:length]
            found = (
                (first.get(part) or second.get(part))
                if length == len(path)
                else (self.keys.get(part) or self.values.get(part))
            )
            if found is not None:
                return found
        return Position(self.file, 1, 1)

    def place(self, diagnostic: Diagnostic) -> Diagnostic:
        """The diagnostic with its position in this file."""
        if diagnostic.position is not None:
            return diagnostic
        return diagnostic.at(self.position(diagnostic.path))
