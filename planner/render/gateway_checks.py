"""What keeps a gateway from being what its blueprint says: its host, its reach, its roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from planner.blueprint import schema
from planner.diagnostics import Diagnostic, error, note
from planner.engines.image_server import engine_for
from planner.engines.litellm import Entry
from planner.engines.service import ServiceVersion, parse_service
from planner.farm import Farm, FarmHost
from planner.render.exposure import check_address


def homeless(farm: Farm) -> list[Diagnostic]:
    """Roles without a gateway."""
    names = ", ".join(farm.blueprint.roles)
    if not names:
        return []
    return [error(f"nobody can ask for roles ({names}): there is no gateway", "roles",
                  advice="add gateway: {on: <host>}")]  # fmt: skip


def host_of(farm: Farm, spec: schema.Gateway) -> tuple[FarmHost | None, tuple[Diagnostic, ...]]:
    """The host the gateway stands on, or None with the reason."""
    path = ("gateway", "on")
    able = [h for h in farm.hosts if h.spec.runtime is schema.RuntimeChoice.COMPOSE and h.address]
    if len(spec.on) != 1:
        advice = f"write on: {able[0].name}" if able else "add a host with runtime: compose"
        return None, (error("the gateway stands on one host", *path, advice=advice),)
    host = next((item for item in farm.hosts if item.name == spec.on[0]), None)
    if host is None or host.rented:
        return None, (error("the gateway stands on a host of your own", *path,
                            advice="name a host with an address"),)  # fmt: skip
    if host.spec.runtime is not schema.RuntimeChoice.COMPOSE:
        return None, (error(f"{host.name} runs no containers, which the gateway needs", *path,
                            advice="name a host with runtime: compose"),)  # fmt: skip
    return host, ()


def unreachable(host: FarmHost, others: Iterable[FarmHost]) -> list[Diagnostic]:
    """Hosts with engines for the gateway, and no private address that it could reach them at."""
    found: list[Diagnostic] = []
    for other in others:
        if other.listen is None:
            found.append(_nowhere(host, other))
        else:
            found += check_address(other.name, other.listen)
    return found


def _nowhere(host: FarmHost, other: FarmHost) -> Diagnostic:
    return error(f"the gateway on {host.name} cannot reach {other.name}: its address in your "
                 "network is not known", "hosts", other.name, "listen",
                 advice=f"write it: hosts.{other.name}.listen: 192.168.1.10")  # fmt: skip


def exposure(spec: schema.Gateway, host: FarmHost) -> list[Diagnostic]:
    """Errors where it would be open further than it can be trusted, or has nowhere to listen."""
    match spec.expose:
        case schema.Exposure.PUBLIC if spec.domain is None:
            return [error("a public gateway needs a domain: nobody trusts a certificate without",
                          "gateway", "expose", value="public",
                          advice="write domain: <this host's name>, or expose: lan")]  # fmt: skip
        case schema.Exposure.LAN if host.listen is None:
            return [error(f"{host.name} has no private address to listen on", "gateway", "expose",
                          value="lan",
                          advice=f"write it: hosts.{host.name}.listen: 192.168.1.10")]  # fmt: skip
        case schema.Exposure.LAN:
            return list(check_address(host.name, host.listen or ""))
        case _:
            return []


def unserved(farm: Farm, entries: tuple[Entry, ...]) -> list[Diagnostic]:
    """Roles that cannot be served as they are written."""
    found = []
    known = {entry.name for entry in entries}
    for name, role in farm.blueprint.roles.items():
        if role.knowledge is not None:
            found.append(error(f"role {name!r} has a knowledge store, which the gateway cannot ask "
                               "yet", "roles", name, "knowledge", value=role.knowledge,
                               advice="take knowledge out of the role"))  # fmt: skip
        if role.system is not None and name not in farm.gateway_files.prompts:
            found.append(error(f"the system prompt of role {name!r} was not read", "roles", name,
                               "system", value=role.system, advice=f"put it at {role.system}, "
                               "beside the blueprint"))  # fmt: skip
        if name in farm.blueprint.models:
            found.append(error(f"{name!r} is both a model and a role: clients could not tell",
                               "roles", name, advice="give the role another name"))  # fmt: skip
        elif len(role.adapter) > 1 and not _together(farm, role):
            found.append(_several(farm, name, role))
        elif role.adapter and not _together(farm, role):
            found.append(error(f"the engine of {role.model} cannot be asked for an adapter by "
                               "request", "roles", name, "adapter", value=role.adapter[0],
                               advice=f"write models.{role.model}.engine: another one, or "
                               "take the adapter out"))  # fmt: skip
        elif name not in known:
            found.append(note(f"role {name!r} has no replica that the gateway can reach",
                              "roles", name))  # fmt: skip
    return found


def _together(farm: Farm, role: schema.Role) -> bool:
    """Whether the engine of a role's model answers with all of its adapters at once."""
    for model in farm.models:
        engine = engine_for(model) if model.name == role.model else None
        if engine is not None:
            return engine.naming(model, role.adapter) is not None
    return True  # an unknown model or engine is said elsewhere


def _several(farm: Farm, name: str, role: schema.Role) -> Diagnostic:
    """An engine that answers with one adapter at a time: they can be made one beforehand."""
    adapters = farm.blueprint.adapters
    sources = " ".join(adapters[item].source for item in role.adapter if item in adapters)
    one = "-".join(role.adapter)
    return error(f"the engine of {role.model} answers with one adapter at a time", "roles", name,
                 "adapter", value=", ".join(role.adapter),
                 detail="llama.cpp alone adds several up in one request",
                 advice=f"make one of them: planner adapters merge {sources} --output "
                 f"./adapters/{one}; name that folder as adapter {one}, and write adapter: {one}",
                 )  # fmt: skip


def version_of(
    name: str, wanted: str | None, templates: Mapping[str, str]
) -> tuple[ServiceVersion | None, tuple[Diagnostic, ...]]:
    """The version of a program, or None with the reason."""
    where, path = f"engines/services/{name}.yaml", ("gateway", "version")
    known = parse_service(templates[where], where)
    why = known.refused.get(wanted or "")
    if why is not None:
        return None, (error(f"{name} {wanted} is refused: {why}", *path, value=wanted,
                            advice=f"write version: {known.newest}"),)  # fmt: skip
    row = known.pick(wanted)
    if row is not None:
        return row, ()
    return None, (error(f"{name} {wanted} is older than what planner knows", *path, value=wanted,
                        advice=f"write version: {known.newest}"),)  # fmt: skip
