"""The names that no rule derives: ``data/aliases.yaml``, read only when the rules fail."""

from typing import NamedTuple

from planner.catalogue.reader import TABLES, CatalogueReader
from planner.catalogue.row import Row, open_row


class Alias(NamedTuple):
    """Another name of the row ``id``; ``note`` when the two are not quite the same thing."""

    name: str
    id: str
    note: str | None


class Choice(NamedTuple):
    """Which row a name means when it fits several and all of them are among ``among``."""

    among: frozenset[str]
    choose: str
    note: str


class FormatHabit(NamedTuple):
    """What a publisher means by a format's name in the names of its checkpoints."""

    publisher: str
    written: str
    means: str


class Aliases(NamedTuple):
    """The aliases, choices and publishers' habits of one kind of row."""

    names: tuple[Alias, ...] = ()
    choices: tuple[Choice, ...] = ()
    formats: tuple[FormatHabit, ...] = ()

    def choose(self, candidates: frozenset[str]) -> Choice | None:
        """Return the first choice that covers all candidates and takes one of them, or None."""
        fitting = (c for c in self.choices if candidates <= c.among and c.choose in candidates)
        return next(fitting, None)


def read_aliases(reader: CatalogueReader, kind: str) -> Aliases:
    """Return the aliases of one kind ("devices", "cpus", "models"). Raises CatalogueError."""
    where = f"catalogue {TABLES}/aliases.yaml"
    table = open_row(reader.read(TABLES, "aliases"), where).opt_row(kind)
    if table is None:
        return Aliases()
    aliases = Aliases(
        names=tuple(_alias(row) for row in table.rows("names")),
        choices=tuple(_choice(row) for row in table.rows("choices")),
        formats=tuple(_format(row) for row in table.rows("formats")),
    )
    table.done()
    return aliases


def _alias(row: Row) -> Alias:
    return Alias(row.text("name"), row.text("id"), row.opt_text("note"))


def _choice(row: Row) -> Choice:
    return Choice(frozenset(row.texts("among")), row.text("choose"), row.text("note"))


def _format(row: Row) -> FormatHabit:
    return FormatHabit(row.text("publisher"), row.text("written"), row.text("means"))
