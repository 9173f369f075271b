"""A workload's secrets in its files: references and mounts, never a value. Pure.

A container sees each as a read-only file, a unit as a credential of systemd's. A program that reads
no file is started through a line of shell that sets its variable from the file: neither the
container's definition nor an argument then holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from planner.blueprint import schema
from planner.render.places import BASE
from planner.secret import SecretKind, SecretSource, SecretUse, reference

_EXPORT: Final = (
    'while [ "$1" != -- ]; do export "${1%%=*}=$(cat "${1#*=}")" || exit; shift; done; '
    'shift; exec "$@"'
)


ENGINE_KEY: Final = "gateway-engines"
OWNER: Final = "owner"  # the client that there is when a gateway names none


def client_secret(client: str) -> str:
    """The secret that is the key of a client."""
    return f"client-{client}"


def sources(blueprint: schema.Blueprint) -> dict[str, SecretSource]:
    """Where each secret comes from, by name: those that the blueprint declares, and the keys of its
    gateway, which planner makes where they are not declared."""
    keys: list[str] = []
    if blueprint.gateway is not None:
        keys = [ENGINE_KEY, *map(client_secret, blueprint.gateway.clients or [OWNER])]
    declared = {name: _source(name, item) for name, item in blueprint.secrets.items()}
    return {**{name: SecretSource(name) for name in keys}, **declared}


def of_environment(pairs: Mapping[str, str], owner: int) -> tuple[SecretUse, ...]:
    """The variables that are references to secrets; the others are ``plain``."""
    named = ((variable, reference(text)) for variable, text in pairs.items())
    return tuple(SecretUse(name, variable, owner) for variable, name in named if name)


def plain(pairs: Mapping[str, str]) -> dict[str, str]:
    """The variables that hold their own text."""
    return {variable: text for variable, text in pairs.items() if reference(text) is None}


def mounts(project: str, uses: Iterable[SecretUse]) -> tuple[tuple[str, str], ...]:
    """Each secret's file on the host, and where a container sees it, once."""
    return tuple(dict.fromkeys((f"{BASE}/{project}/{use.place}", use.path) for use in uses))


def exporting(uses: Iterable[SecretUse], program: Iterable[str]) -> tuple[str, ...]:
    """``program`` started with its variables set from files; as it is when it has none such.

    The words after ``--`` are the program's own, to which its arguments are added.
    """
    pairs = tuple(f"{use.variable}={use.path}" for use in uses if use.variable)
    return ("/bin/sh", "-c", _EXPORT, "sh", *pairs, "--", *program) if pairs else tuple(program)


def _source(name: str, item: schema.Secret | None) -> SecretSource:
    if item is None:
        return SecretSource(name)
    if item.env:
        return SecretSource(name, SecretKind.ENV, item.env)
    if item.file:
        return SecretSource(name, SecretKind.FILE, item.file)
    if item.sops:
        return SecretSource(name, SecretKind.SOPS, item.sops, item.key or "")
    if item.age:
        return SecretSource(name, SecretKind.AGE, item.age, item.identity or "")
    return SecretSource(name, SecretKind.PROMPT if item.prompt else SecretKind.GENERATED)
