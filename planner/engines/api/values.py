"""What is asked of a running engine, and what it says of itself, as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple


@dataclass(frozen=True, slots=True)
class Setting:
    """Something an engine was told, and must say of itself once it runs.

    ``name`` is what people call it, ``value`` as the engine writes it, ``key`` where the blueprint
    says it (``models.chat.context``). ``least`` says that a larger number does as well.
    """

    name: str
    value: str
    key: str = ""
    least: bool = False

    def holds(self, said: str) -> bool:
        """Whether what the engine says is what it was told."""
        if said == self.value:
            return True
        try:
            told, is_now = float(self.value), float(said)
        except ValueError:
            return False
        return is_now >= told if self.least else is_now == told


class Answers(NamedTuple):
    """What an engine answered: JSON by path, text by path where it is none, and its log's lines.

    A path that was not answered is absent.
    """

    bodies: Mapping[str, Any] = MappingProxyType({})
    log: str = ""

    def mapping(self, path: str) -> Mapping[str, Any]:
        """The JSON object at a path; an empty one where there is none."""
        found = self.bodies.get(path)
        return found if isinstance(found, dict) else {}

    def told(self, path: str, names: Mapping[str, str]) -> dict[str, str]:
        """What stands at a path under the keys of ``names``, by the names; null is not told."""
        body = self.mapping(path)
        return {name: str(body[key]) for name, key in names.items() if body.get(key) is not None}

    def rows(self, path: str, key: str | None = None) -> list[Mapping[str, Any]]:
        """The objects of the JSON list at a path, or at ``key`` of the object there."""
        found = self.mapping(path).get(key) if key else self.bodies.get(path)
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


class Call(NamedTuple):
    """A request that changes a running engine: a JSON POST."""

    path: str
    body: Mapping[str, Any]


class Loading(NamedTuple):
    """How an engine takes and gives up adapters while it runs.

    ``load`` is given name, path and whether it serves another one of that name; ``paths`` are asked
    to see what came of it.
    """

    paths: tuple[str, ...]
    load: Callable[[str, str, bool], Call]
    unload: Callable[[str], Call]


class Speed(NamedTuple):
    """Tokens per second that one request saw, on average since the engine started.

    None where nobody has asked it anything yet, or it does not say.
    """

    decode: float | None = None
    prefill: float | None = None


class Api(NamedTuple):
    """One engine's ways to be asked while it runs.

    ``paths`` are asked with GET and ``lines``, a regular expression for grep -E, of its log; from
    these ``read`` tells its settings by the names that its options use. What it does not say is
    absent. ``speed`` reads the text at ``metrics``, None where it has none. ``loading`` is None
    where adapters are taken at start only.
    """

    paths: tuple[str, ...]
    lines: str
    read: Callable[[Answers], Mapping[str, str]]
    speed: Callable[[str], Speed]
    metrics: str | None = "/metrics"
    loading: Loading | None = None


def adapter_setting(name: str) -> str:
    """The name of the setting that says where an adapter was loaded from."""
    return f"adapter {name}"


def no_speed(_: str) -> Speed:
    """For engines whose metrics say nothing of tokens."""
    return NO_SPEED


NO_SPEED: Final = Speed()
