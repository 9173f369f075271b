"""What a lookup answers: a row and what was assumed, or nothing and what would have matched."""

from typing import Generic, NamedTuple, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Match(NamedTuple, Generic[T_co]):
    """A row. ``note`` says what was assumed when the name left a choice, else it is None."""

    row: T_co
    note: str | None = None


class NotFound(NamedTuple):
    """No row, or several with nothing to choose by.

    ``kind`` is the word for what was looked for ("GPU", "model"), ``nearest`` the known names that
    come closest (or all that fit), ``reason`` a fact about the name where there is one.
    """

    kind: str
    name: str
    nearest: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def summary(self) -> str:
        """What is wrong, in one sentence."""
        if self.reason is not None:
            return f"{self.kind} {self.name!r}: {self.reason}"
        return f"{self.kind} {self.name!r} is not in the catalogue"

    @property
    def advice(self) -> str | None:
        """What to write instead, or None when nothing comes close."""
        return f"write {join_or(self.nearest)}" if self.nearest else None


def join_or(names: tuple[str, ...]) -> str:
    """Return names as a sentence has them: ``a, b or c``."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
