"""Names that point to other parts of the blueprint: each must be written somewhere.

Works on the document rather than the checked model, so that a mistake in one field does not hide a
wrong name in another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from planner.blueprint.document import Document
from planner.diagnostics import Diagnostic, DocumentPath, error
from planner.names import advise
from planner.secret import reference

# section, key, section the value names
_REFERENCES: Final = (
    ("hosts", "within", "hosts"),
    ("models", "on", "hosts"),
    ("models", "near", "stores"),
    ("models", "adapters", "adapters"),
    ("stores", "on", "hosts"),
    ("stores", "embed_with", "models"),
    ("roles", "model", "models"),
    ("roles", "adapter", "adapters"),
    ("roles", "knowledge", "stores"),
    ("roles", "fallback", "roles"),
    ("services", "on", "hosts"),
)


def check_references(document: Document, hosts: Iterable[str]) -> tuple[Diagnostic, ...]:
    """Diagnostics for every name that nothing carries; ``hosts`` are those of the inventory."""
    data = document.data
    if not isinstance(data, dict):
        return ()
    known = {name: list(_mapping(data.get(name))) for name in ("hosts", "models", "adapters")}
    known |= {name: list(_mapping(data.get(name))) for name in ("stores", "roles")}
    known["hosts"] += [name for name in hosts if name not in known["hosts"]]
    found = [*_unknown(data, known), *_adapters_of_roles(data), *_circles(data)]
    found += _secrets(data, list(_mapping(data.get("secrets"))))
    return tuple(document.place(finding) for finding in found)


def _unknown(data: dict[str, Any], known: dict[str, list[str]]) -> Iterator[Diagnostic]:
    for section, key, target in _REFERENCES:
        for owner, item in _mapping(data.get(section)).items():
            if isinstance(item, dict):
                yield from _each(item.get(key), (section, owner, key), target, known)
    gateway = data.get("gateway")
    if isinstance(gateway, dict):
        yield from _each(gateway.get("on"), ("gateway", "on"), "hosts", known)
        for name, client in _mapping(gateway.get("clients")).items():
            for target in ("roles", "models") if isinstance(client, dict) else ():
                path = ("gateway", "clients", name, target)
                yield from _each(client.get(target), path, target, known)


def _each(
    value: Any, path: DocumentPath, target: str, known: dict[str, list[str]]
) -> Iterator[Diagnostic]:
    names: Iterable[tuple[DocumentPath, Any]]
    if isinstance(value, list):
        names = [((*path, index), name) for index, name in enumerate(value)]
    elif isinstance(value, dict):
        names = [((*path, name), name) for name in value]
    else:
        names = [(path, value)] if isinstance(value, str) else []
    word = target.removesuffix("s")
    for place, name in names:
        if isinstance(name, str) and name not in known[target]:
            yield error(
                f"there is no {word} named {name!r}",
                *place,
                value=name,
                advice=advise(name, known[target], target),
            )


def _secrets(data: dict[str, Any], known: list[str]) -> Iterator[Diagnostic]:
    """``secret:NAME`` wherever it stands: it must be declared, and no argument may hold it."""
    for path, text in _texts(data, ()):
        name = reference(text)
        if name is None:
            continue
        if "extra_args" in path:
            yield error("a secret cannot be an argument, which every user of the host can read",
                        *path, advice="write it under environment")  # fmt: skip
        elif name not in known:
            # what stands there is not repeated: it may be the secret itself
            made = "add `secrets: {NAME: {env: VARIABLE}}`, or `{NAME: {}}` for one of planner's"
            yield error("no secret of that name is declared", *path,
                        advice=advise(name, known, "secrets") if known else made)  # fmt: skip


def _texts(value: Any, path: DocumentPath) -> Iterator[tuple[DocumentPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _adapters_of_roles(data: dict[str, Any]) -> Iterator[Diagnostic]:
    """A role's adapter must be one that its model carries."""
    models, adapters = _mapping(data.get("models")), _mapping(data.get("adapters"))
    for name, role in _mapping(data.get("roles")).items():
        if not isinstance(role, dict):
            continue
        written, model = role.get("adapter"), models.get(str(role.get("model")))
        several = isinstance(written, list)
        for place, adapter in enumerate(written if isinstance(written, list) else [written]):
            if not isinstance(model, dict) or not isinstance(adapter, str):
                continue
            carried = model.get("adapters") or {}
            if not isinstance(carried, dict | list | str):
                continue
            if adapter in adapters and adapter not in carried:
                yield error(
                    f"model {role['model']!r} does not carry adapter {adapter!r}",
                    *("roles", name, "adapter", *((place,) if several else ())),
                    value=adapter,
                    advice=f"add it: models.{role['model']}.adapters: {{{adapter}: vram}}",
                )


def _circles(data: dict[str, Any]) -> Iterator[Diagnostic]:
    """Hosts within each other, and roles that fall back in a circle."""
    for section, key, what in (
        ("hosts", "within", "a VM cannot be within itself"),
        ("roles", "fallback", "a role cannot fall back to itself"),
    ):
        items = _mapping(data.get(section))
        for name in items:
            trail, here = [name], items.get(name)
            while isinstance(here, dict) and isinstance(here.get(key), str):
                following = here[key]
                trail.append(following)
                if following == name:
                    yield error(f"{what}: {' -> '.join(trail)}", section, name, key,
                                advice="take one of the links out")  # fmt: skip
                    break
                if following in trail[:-1]:
                    break
                here = items.get(following)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
