"""Reads one YAML mapping strictly.

Every key has a type, every key is known, every figure names a source of the same file.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from planner.catalogue.figure import Evidence, Figure, Source
from planner.catalogue.reader import CatalogueError

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Row:
    """A mapping being taken apart; it knows what was asked for, so ``done`` refuses the rest."""

    def __init__(
        self, data: object, where: str, sources: Mapping[str, Source] | None = None
    ) -> None:
        if not isinstance(data, Mapping):
            raise CatalogueError(f"{where}: expected a mapping, found {type(data).__name__}")
        self._data: Mapping[Any, Any] = data
        self.where = where
        self._asked: set[str] = set()
        self._children: list[Row] = []
        self.sources: Mapping[str, Source] = {} if sources is None else sources

    def fault(self, key: str, problem: str) -> CatalogueError:
        """Return (not raise) the error for one key, naming the file and the key."""
        return CatalogueError(f"{self.where}: {key}: {problem}")

    def take(self, key: str) -> Any:
        """Return the raw value of ``key`` or None, marking the key as known."""
        self._asked.add(key)
        return self._data.get(key)

    def names(self) -> tuple[str, ...]:
        """Return the keys of a table whose keys are data (such as repository names)."""
        return tuple(str(key) for key in self._data)

    def _typed(self, key: str, kind: type[T], name: str) -> T | None:
        value = self.take(key)
        if value is None or (
            isinstance(value, kind) and not (kind is int and isinstance(value, bool))
        ):
            return value
        raise self.fault(key, f"expected {name}, found {value!r}")

    def need(self, key: str, value: T | None) -> T:
        """Return ``value``; raises CatalogueError when it is None, that is, unknown in the row."""
        if value is None:
            raise self.fault(key, "is missing")
        return value

    def opt_text(self, key: str) -> str | None:
        """Return a text or None."""
        return self._typed(key, str, "a text")

    def text(self, key: str) -> str:
        """Return a text; raises CatalogueError when missing."""
        return self.need(key, self.opt_text(key))

    def choice(self, key: str, options: type[E], default: E | None = None) -> E:
        """Return a member of an enum by its value; raises CatalogueError naming the choices."""
        value = self.need(key, self.opt_text(key) or default)
        members = {member.value: member for member in options}
        if value not in members:
            raise self.fault(key, f"{value!r} is none of {', '.join(members)}")
        return members[value]

    def raw_mapping(self, key: str) -> Mapping[str, Any]:
        """Return a mapping whose keys are not this catalogue's to check; raises when missing."""
        return dict(self.need(key, self._typed(key, dict, "a mapping")))

    def opt_integer(self, key: str) -> int | None:
        """Return an integer or None."""
        return self._typed(key, int, "an integer")

    def integer(self, key: str) -> int:
        """Return an integer; raises CatalogueError when missing."""
        return self.need(key, self.opt_integer(key))

    def opt_flag(self, key: str) -> bool | None:
        """Return true, false or None."""
        return self._typed(key, bool, "true or false")

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Return true or false; raises CatalogueError when missing and there is no default."""
        value = self.opt_flag(key)
        return self.need(key, default if value is None else value)

    def opt_number(self, key: str) -> Decimal | None:
        """Return a number as an exact decimal, or None."""
        value = self.take(key)
        return None if value is None else self._decimal(key, value)

    def number(self, key: str) -> Decimal:
        """Return a number as an exact decimal; raises CatalogueError when missing."""
        return self.need(key, self.opt_number(key))

    def _decimal(self, key: str, value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fault(key, f"expected a number, found {value!r}")
        try:
            return Decimal(
                str(value)
            )  # str of a float is the shortest text that reads back: what stands in the file
        except InvalidOperation:  # pragma: no cover - str() of a YAML number is always a decimal
            raise self.fault(key, f"expected a number, found {value!r}") from None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty when missing."""
        return tuple(self._item(key, item, str) for item in self._list(key))

    def _item(self, key: str, item: object, kind: type[T]) -> T:
        if not isinstance(item, kind):
            raise self.fault(key, f"expected a list of {kind.__name__}, found {item!r} in it")
        return item

    def _list(self, key: str) -> list[Any]:
        return self._typed(key, list, "a list") or []

    def opt_row(self, key: str) -> "Row | None":
        """Return the mapping under ``key`` as a row of its own, or None."""
        value = self.take(key)
        return None if value is None else self._child(key, value)

    def row(self, key: str) -> "Row":
        """Return the mapping under ``key``; raises CatalogueError when missing."""
        return self.need(key, self.opt_row(key))

    def rows(self, key: str) -> "tuple[Row, ...]":
        """Return a list of mappings, empty when missing."""
        return tuple(
            self._child(f"{key}[{index}]", item) for index, item in enumerate(self._list(key))
        )

    def table(self, key: str) -> "tuple[tuple[str, Row], ...]":
        """Return a mapping of mappings as pairs (its keys are data); empty when missing."""
        parent = self.opt_row(key)
        return () if parent is None else tuple((name, parent.row(name)) for name in parent.names())

    def _child(self, key: str, value: object) -> "Row":
        child = Row(value, f"{self.where}: {key}", self.sources)
        self._children.append(child)
        return child

    def source(self, key: str = "source") -> Source:
        """Return the source that ``key`` names; raises CatalogueError when the file lacks it."""
        name = self.text(key)
        if name not in self.sources:
            raise self.fault(key, f"{name!r} is not in this file's sources")
        return self.sources[name]

    def opt_source(self) -> Source | None:
        """Return the source that ``source`` names, or None where the row has none."""
        return None if self.opt_text("source") is None else self.source()

    def figure(self, key: str, convert: Callable[[Decimal], T]) -> Figure[T] | None:
        """Return ``{value, source, note, derived}`` with its number converted, or None."""
        row = self.opt_row(key)
        return (
            None
            if row is None
            else Figure(
                convert(row.number("value")),
                row.source(),
                row.opt_text("note"),
                row.opt_text("derived"),
            )
        )

    def text_figure(self, key: str) -> Figure[str] | None:
        """Return a sourced text (a compute capability is no number), or None when unknown."""
        row = self.opt_row(key)
        return (
            None
            if row is None
            else Figure(
                row.text("value"), row.source(), row.opt_text("note"), row.opt_text("derived")
            )
        )

    def done(self) -> None:
        """Refuse keys that nobody asked for, here and below. Call it last."""
        unknown = sorted(str(key) for key in self._data if key not in self._asked)
        if unknown:
            known = ", ".join(sorted(self._asked))
            raise CatalogueError(f"{self.where}: unknown key {unknown[0]!r}; known here: {known}")
        for child in self._children:
            child.done()


def open_row(data: object, where: str) -> Row:
    """Start reading a file's mapping, its ``sources`` first. Raises CatalogueError on bad ones."""
    row = Row(data, where)
    table: dict[str, Source] = {}
    for key, entry in row.table("sources"):
        table[key] = _source(key, entry)
    row.sources = table
    return row


def _source(key: str, row: Row) -> Source:
    return Source(
        key=key,
        url=row.opt_text("url"),
        date=row.opt_text("date"),
        evidence=row.choice("evidence", Evidence),
        note=row.opt_text("note"),
    )
