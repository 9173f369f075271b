"""Spells an engine's options for the version that will run: only what that version knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from planner.diagnostics import Diagnostic, error
from planner.engines.engine import Engine, Launch, Option

if TYPE_CHECKING:
    from planner.sizing.values import SizeReport

# A hundredth of a card is coarse enough that a slightly better estimate restarts nothing.
_STEPS: Final = 100


def arguments(engine: Engine, launch: Launch) -> tuple[str, ...]:
    """The command line after the program's name, ``extra_args`` last.

    What ``extra_args`` sets is not set twice: the owner's word replaces planner's.
    """
    extra = launch.placed.model.spec.extra_args
    replaced = {argument.partition("=")[0] for argument in extra}
    words: list[str] = []
    for option in _spelled(engine, launch):
        if option.name and option.name in replaced:
            continue
        words += [part for part in (option.name, option.value, *option.more) if part]
    return (*words, *extra)


def check_arguments(engine: Engine, launch: Launch) -> tuple[Diagnostic, ...]:
    """What the engine's version cannot do, and what the engine itself objects to."""
    version, model = launch.version, launch.placed.model
    missing = [
        option.name
        for option in engine.options(launch)
        if option.name and not option.optional and not version.knows(option.name)
    ]
    found = tuple(
        error(
            f"{engine.name} {version.version} has no {name}",
            "models",
            model.name,
            "engine_version",
            detail=f"known options are those of {version.source}, {version.date}",
            advice="write another engine_version, or take out what needs it",
        )
        for name in missing
    )
    return (*found, *engine.check(launch))


def _spelled(engine: Engine, launch: Launch) -> Iterable[Option]:
    for option in engine.options(launch):
        if not option.name or launch.version.knows(option.name):
            yield option


def options(*pairs: Option | None) -> tuple[Option, ...]:
    """The options that are there: engines write conditions as None."""
    return tuple(pair for pair in pairs if pair is not None)


def given(name: str, value: object | None, *, optional: bool = False) -> Option | None:
    """The option when it has a value, else None."""
    return None if value is None else Option(name, str(value), optional)


def as_json(data: Mapping[str, object]) -> str | None:
    """The data as an option's value, the same text every time; None when there is none."""
    import json

    return json.dumps(data, sort_keys=True) if data else None


def memory_share(report: SizeReport, outside: frozenset[str]) -> str | None:
    """The share of a card that sizing gave the engine, such as ``0.90``; None when not sized.

    A report without one (what was declared, not sized) says it by its terms:
    used / total of the fullest device, without the terms that the engine takes beside its share;
    rounded down to a hundredth (a thousandth below the next one counts as that one).
    """
    if report.share is not None:
        return f"{report.share:.4g}"
    shares = []
    for device in report.devices:
        used = sum(term.bytes for term in device.terms if term.name not in outside)
        if used and device.total_bytes:
            shares.append((used * _STEPS + device.total_bytes // 10) // device.total_bytes)
    if not shares:
        return None
    return f"{min(max(shares), _STEPS - 1) / _STEPS:.2f}"
