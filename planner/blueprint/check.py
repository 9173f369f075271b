"""Document to Blueprint: pydantic's findings become diagnostics with places and advice.

When parts are wrong, they are cut out and the rest is checked again, so that later stages can
still look at it and one run names every mistake.
"""

from __future__ import annotations

import copy
import typing
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from planner.blueprint.document import Document
from planner.blueprint.fixed import CHANGEABLE, FIXED
from planner.blueprint.schema import Blueprint, Inventory
from planner.diagnostics import Diagnostic, DocumentPath, Position, error, shorten
from planner.names import advise, listed, nearest

_NAMES: Final = "a name starts with a letter and holds a-z, 0-9 and -, at most 40 of them"
_TYPES: Final[dict[str, tuple[str, str]]] = {
    "int_type": ("is not a whole number", "write a number such as 4"),
    "int_parsing": ("is not a whole number", "write a number such as 4"),
    "int_from_float": ("is not a whole number", "write a number such as 4"),
    "float_type": ("is not a number", "write a number such as 0.5"),
    "float_parsing": ("is not a number", "write a number such as 0.5"),
    "bool_type": ("is neither true nor false", "write true or false"),
    "string_type": ("is not text", 'put it in quotes: "{value}"'),
    "string_too_short": ("is empty", "write a value, or leave the key out"),
    "dict_type": ("is not a mapping", "write indented `key: value` lines below it"),
    "model_type": ("is not a mapping", "write indented `key: value` lines below it"),
    "model_attributes_type": ("is not a mapping", "write indented `key: value` lines below it"),
    "tuple_type": ("is not a list", "write it as [a, b]"),
    "list_type": ("is not a list", "write it as [a, b]"),
}


_BOUNDS: Final[dict[str, tuple[str, str]]] = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
    "greater_than": ("gt", "more than"),
    "less_than": ("lt", "less than"),
}


class Checked(NamedTuple):
    """``blueprint`` when all is well; ``partial`` what can still be looked at when it is not."""

    blueprint: Blueprint | None
    partial: Blueprint | None
    diagnostics: tuple[Diagnostic, ...]


def check_blueprint(document: Document) -> Checked:
    """Validate the document against the schema, gathering everything."""
    data, shape = _mapping(document, "a blueprint", "planner: 1")
    if data is None:
        return Checked(None, None, shape)
    try:
        return Checked(Blueprint.model_validate(data), None, ())
    except ValidationError as fault:
        found = _diagnostics(fault, document, Blueprint)
        return Checked(None, _partial(data, fault), found)


def check_inventory(document: Document) -> tuple[Inventory | None, tuple[Diagnostic, ...]]:
    """Validate an inventory's document."""
    data, shape = _mapping(document, "an inventory", "planner: 1")
    if data is None:
        return None, shape
    try:
        return Inventory.model_validate(data), ()
    except ValidationError as fault:
        return None, _diagnostics(fault, document, Inventory)


def _mapping(
    document: Document, what: str, first: str
) -> tuple[dict[str, Any] | None, tuple[Diagnostic, ...]]:
    data = document.data
    if isinstance(data, dict):
        return data, ()
    kind = "a list" if isinstance(data, list) else "one value"
    shown = None if data is None else shorten(str(data), 40)
    finding = error(
        f"{what} is a mapping of keys; this is {kind}", value=shown, advice=f"start with `{first}`"
    )
    return None, (finding.at(Position(document.file, 1, 1)),)


def _partial(data: dict[str, Any], fault: ValidationError) -> Blueprint | None:
    """The blueprint without its wrong parts, or None when nothing usable is left."""
    kept = copy.deepcopy(data)
    kept.setdefault("planner", 1)
    kept.setdefault("project", "unnamed")
    for _ in range(4):
        for item in fault.errors(include_url=False, include_input=False, include_context=False):
            _cut(kept, item["loc"], item["type"])
        kept["planner"] = 1
        if not isinstance(kept.get("project"), str):
            kept["project"] = "unnamed"
        try:
            return Blueprint.model_validate(kept)
        except ValidationError as again:
            fault = again
    return None


def _cut(data: Any, loc: tuple[int | str, ...], kind: str) -> None:
    path = list(document_path(data, loc))
    if kind == "missing":
        path = path[:-1]
    if not path:
        return
    for part in path[:-1]:
        data = data[part]
    if isinstance(data, dict):
        data.pop(path[-1], None)
    elif isinstance(data, list) and isinstance(path[-1], int) and path[-1] < len(data):
        data[path[-1]] = None


def document_path(data: Any, loc: Iterable[int | str]) -> DocumentPath:
    """pydantic's location without the parts that name types rather than places."""
    path: list[str | int] = []
    parts = [part for part in loc if part != "[key]"]
    for part in parts:
        here = (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        )
        if here:
            path.append(part)
            data = data[part]
    return tuple(path)


def _diagnostics(
    fault: ValidationError, document: Document, root: type[BaseModel]
) -> tuple[Diagnostic, ...]:
    found: dict[DocumentPath, Diagnostic] = {}
    for item in fault.errors(include_url=False):
        loc = item["loc"]
        if item["type"] == "missing":
            path = (*document_path(document.data, loc[:-1]), loc[-1])
        else:
            path = document_path(document.data, loc)
        finding = _explain(item, path, document, root)
        is_key = item["type"] == "extra_forbidden" or "[key]" in loc
        place = document.position(path, key=is_key)
        if path not in found or _vague(found[path]):
            found[path] = finding.at(place)
    deep = {path[:length] for path in found for length in range(len(path))}
    kept = [item for path, item in found.items() if not (path in deep and _vague(item))]
    return tuple(sorted(kept, key=_by_position))


def _by_position(finding: Diagnostic) -> tuple[int, int]:
    return (finding.position.line, finding.position.column) if finding.position else (0, 0)


def _vague(finding: Diagnostic) -> bool:
    """Whether another reading of the same value would say more: unions report every branch."""
    return "is not a mapping" in finding.summary or "is not text" in finding.summary


def _explain(
    item: Any, path: DocumentPath, document: Document, root: type[BaseModel]
) -> Diagnostic:
    kind, context, last = item["type"], item.get("ctx", {}), str(path[-1]) if path else "it"
    written = document.written.get(path)
    value = written if written is not None else _shown(item.get("input"))
    if kind == "missing":
        where = f"{path[-2]}.{last}" if len(path) > 1 else last
        return error(f"{last} is missing", *path, advice=_add(where, last))
    if kind == "extra_forbidden":
        if len(path) == 3 and path[0] == "models" and last in FIXED:
            what, why = FIXED[last]
            return error(f"a model's weights fix {what}", *path, value=value, detail=why,
                         advice=f"take it out; what can be changed is {CHANGEABLE}")  # fmt: skip
        return error(
            f"{last!r} is no key here", *path, value=value, advice=_key_advice(last, path, root)
        )
    if "[key]" in item["loc"]:
        if path[-2:-1] == ("environment",):
            return error(f"{last!r} is no name of a variable", *path,
                         advice="write letters, digits and _, such as LOG_LEVEL")  # fmt: skip
        return error(f"{last!r} is no name", *path, advice=_NAMES)
    if kind in ("enum", "literal_error"):
        choices = _choices(context.get("expected", ""))
        return error(f"{last} is not one of {listed(choices)}", *path, value=value,
                     advice=advise(str(value), choices, "values"))  # fmt: skip
    if kind == "string_pattern_mismatch":
        advice = _NAMES if "a-z" in context["pattern"] else f"it matches {context['pattern']}"
        if context["pattern"].startswith("^secret:"):
            advice = f"write {last}: secret:<name>, and say under secrets where it comes from"
            value = None  # what stands there may be the secret itself
        return error(f"{last} does not look as it should", *path, value=value, advice=advice)
    if kind == "value_error":
        summary, _, advice = str(context.get("error", item["msg"])).partition(": ")
        if not advice:
            summary, advice = "cannot be read so", summary
        return error(f"{last}: {summary}", *path, value=value, advice=advice)
    if kind == "too_long":
        return error(f"{last} holds more than {context['max_length']:,} entries", *path,
                     advice="one farm is smaller; divide it into several")  # fmt: skip
    if kind in _TYPES:
        summary, advice = _TYPES[kind]
        advice = _number_advice(value) if "number" in summary else advice
        advice = advice.replace("{value}", str(value))
        return error(f"{last} {summary}", *path, value=value, advice=advice)
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return error(f"{last} must be {words} {context[bound]:g}", *path, value=value,
                     advice=f"write a number {words} {context[bound]:g}")  # fmt: skip
    return error(f"{last}: {item['msg']}", *path, value=value)


def _number_advice(value: object) -> str:
    digits = str(value).replace("_", "").lstrip("+")
    if digits.isdigit() and len(digits) < 40:
        return f"write {int(digits)}, without quotes or leading zeros"
    try:
        number = float(digits)
    except ValueError:
        return "write a number such as 4"
    if not abs(number) < 1e15:  # nor is what is no number, such as nan
        return "write a number such as 4"
    return f"write {int(number)}" if number == int(number) else f"write {round(number)}"


def _add(where: str, key: str) -> str:
    samples = {
        "source": "source: Qwen/Qwen3-8B",
        "project": "project: home",
        "planner": "planner: 1",
        "base": "base: Qwen/Qwen3-8B",
        "engine": "engine: qdrant",
        "model": "model: chat",
        "provider": "provider: runpod",
        "gpu": "gpu: rtx-4090",
        "price": "price: 2000 USD",
        "archive": "archive: ./image.tar",
        "name": "name: rtx-4090",
        "hosts": "hosts: {box: {address: me@192.168.1.10}}",
    }
    return f"add `{samples.get(key, f'{key}: ...')}`"


def _key_advice(key: str, path: DocumentPath, root: type[BaseModel]) -> str:
    section = section_at(root, path[:-1])
    known = list(section.model_fields) if section else []
    close = nearest(key, known)
    if close:
        return f"did you mean {close[0]}?"
    return f"keys known here: {listed(known, 30)}" if known else "remove it"


def section_at(root: type[BaseModel], path: DocumentPath) -> type[BaseModel] | None:
    """The model class that describes the mapping at ``path``, or None where there is none."""
    here: Any = root
    for part in path:
        section = _section(here)
        if section is not None and isinstance(part, str) and part in section.model_fields:
            here = section.model_fields[part].annotation
        else:
            here = _inside(here)
    return _section(here)


def _section(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in typing.get_args(annotation):
        found = _section(argument) if typing.get_origin(annotation) not in (dict, tuple) else None
        if found:
            return found
    return None


def _inside(annotation: Any) -> Any:
    """What a dict's values or a tuple's items are annotated with."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is dict:
        return arguments[1]
    if origin is tuple:
        return arguments[0]
    for argument in arguments:
        inner = _inside(argument)
        if inner is not None:
            return inner
    return None


def _choices(expected: str) -> list[str]:
    return [part.strip().strip("'") for part in expected.replace(" or ", ", ").split(",")]


def _shown(value: Any) -> str | None:
    if value is None or isinstance(value, Mapping | list | tuple):
        return None
    return value.value if isinstance(value, StrEnum) else str(value)
