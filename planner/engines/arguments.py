"""Spells an engine's options for the version that will run: only what that version knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from planner.diagnostics import Diagnostic, error, warning
from planner.engines.engine import Engine, Launch, Option

if TYPE_CHECKING:
    from planner.engines.versions import EngineVersion
    from planner.sizing.values import SizeReport

# A hundredth of a card is coarse enough that a slightly better estimate restarts nothing.
_STEPS: Final = 100
_OPTION: Final = re.compile(r"--?[A-Za-z]")


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


def environment(engine: Engine, launch: Launch) -> dict[str, str]:
    """The variables of the engine's process; of its own only those that this version knows."""
    version = launch.version
    return {
        name: value
        for name, value in engine.environment(launch)
        if not engine.by_environment or version.knows(name) or not version.elsewhere(name)
    }


def renamed_options(engine: Engine, launch: Launch) -> tuple[tuple[str, ...], ...]:
    """Options that the engine is told and that other versions have under other names: each its
    name here, then the others."""
    words = {word.partition("=")[0] for word in arguments(engine, launch)}
    pairs = launch.version.renamed.items()
    found = []
    for word in sorted(words):
        others = [old for old, new in pairs if new == word] + [n for o, n in pairs if o == word]
        if others:
            found.append((word, *others))
    return tuple(found)


def check_arguments(engine: Engine, launch: Launch) -> tuple[Diagnostic, ...]:
    """What the engine's version cannot do, and what the engine itself objects to."""
    missing = [
        option.name
        for option in engine.options(launch)
        if option.name and not option.optional and not launch.version.knows(option.name)
    ]
    found = tuple(_missing(engine, launch, name) for name in missing)
    # the registry imports every engine, and those import this
    from planner.engines.keys import unknown_keys
    from planner.engines.registry import ENGINES

    asked = unknown_keys(engine, launch.placed.model, ENGINES)
    return (*found, *asked, *_extra(engine, launch), *engine.check(launch))


def _missing(engine: Engine, launch: Launch, name: str) -> Diagnostic:
    version, model = launch.version, launch.placed.model
    others = version.elsewhere(name)
    return error(
        f"{engine.name} {version.version} has no {name}",
        "models",
        model.name,
        "engine_version",
        detail=f"known options are those of {version.source}, {version.date}",
        advice=f"write engine_version: one of {others}, or take out what needs it"
        if others
        else "write another engine_version, or take out what needs it",
    )


def _extra(engine: Engine, launch: Launch) -> Iterable[Diagnostic]:
    """Options of ``extra_args`` that this version does not have."""
    version, model = launch.version, launch.placed.model
    path, name = ("models", model.name, "extra_args"), f"{engine.name} {version.version}"
    if not version.every:
        return  # a server that planner knows nothing of
    for index, argument in enumerate(model.spec.extra_args):
        option = argument.partition("=")[0]
        if engine.by_environment:
            yield error(f"{engine.name} takes no arguments", *path, index, value=argument,
                        advice="write its variables: environment: {NAME: value}")  # fmt: skip
            continue
        if not _OPTION.match(option) or _known(version, option):
            continue
        others = version.elsewhere(option)
        if others:
            newer = version.renamed.get(option)
            there = newer if newer and version.knows(newer) else _older(version, option)
            advice = f"write {there}" if there else "take it out"
            say = error if version.version in version.every else warning
            yield say(f"{name} has no {option}", *path, index, value=argument,
                      detail=f"it is an option of {engine.name} {others}",
                      advice=f"{advice}, or write engine_version of one that has it")  # fmt: skip
        else:
            yield warning(f"no version that planner knows of {engine.name} has {option}", *path,
                          index, value=argument,
                          detail="a server ends when it is told what it does not know")  # fmt: skip


def _known(version: EngineVersion, option: str) -> bool:
    """Whether it has the option, also as ``--no-option`` or as a part of one (``--option.key``)."""
    base = option.partition(".")[0]
    return any(map(version.knows, (option, base, "--" + option.removeprefix("--no-"))))


def _older(version: EngineVersion, option: str) -> str | None:
    """The name that a newer version's option has here."""
    names = [old for old, new in version.renamed.items() if new == option and version.knows(old)]
    return names[0] if names else None


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
