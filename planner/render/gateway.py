"""The gateway as services: the proxy and its front on one host, a guard on every other host whose
engines it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from planner.blueprint import schema
from planner.diagnostics import Diagnostic
from planner.engines import caddy, litellm
from planner.engines.image_server import engine_for
from planner.engines.service import ServiceVersion
from planner.farm import Farm, FarmHost, LocalFile, Placed, Placement
from planner.pins import Pins
from planner.ports import LOOPBACK, free_port, stable_port
from planner.render.bundle import ArtifactKind, File, Probe
from planner.render.gateway_checks import (
    exposure,
    homeless,
    host_of,
    unreachable,
    unserved,
    version_of,
)
from planner.render.gateway_names import (
    clients_of,
    entries_of,
    own_key,
    reached,
    roles_of,
)
from planner.render.gateway_prices import unpriced
from planner.render.places import TRAFFIC, traffic_folder, unit_name
from planner.render.programs import Program, program_of
from planner.render.replica import engine_version
from planner.render.secrets import ENGINE_KEY, client_secret
from planner.render.service import Listen, Mounted, Service
from planner.render.yaml_text import to_yaml
from planner.secret import SecretUse

_PORT: Final = 4000
_TLS_PORT: Final = 443
_CONTAINER_PORT: Final = 8080
_CONTAINER_HEALTH: Final = 8081
_PROXY, _FRONT, _GUARD = "gateway", "front", "guard"
_GRACE: Final = 120  # what answers now may finish before a changed gateway starts
_PATIENT: Final = 300


class Services(NamedTuple):
    """Services by host, and what was found."""

    by_host: Mapping[str, tuple[Service, ...]]
    diagnostics: tuple[Diagnostic, ...]


def services(placement: Placement, templates: Mapping[str, str]) -> Services:
    """All that the gateway of a farm takes; nothing without one."""
    farm = placement.farm
    spec = farm.blueprint.gateway
    if spec is None:
        return Services({}, tuple(homeless(farm)))
    host, found = host_of(farm, spec)
    if host is None:
        return Services({}, found)
    return _Builder(placement, spec, host, templates, reached(placement)).build()


@dataclass(frozen=True, slots=True)
class _Builder:
    placement: Placement
    spec: schema.Gateway
    host: FarmHost
    templates: Mapping[str, str]
    asked: tuple[Placed, ...]  # the replicas that the gateway can ask

    @property
    def farm(self) -> Farm:
        return self.placement.farm

    def build(self) -> Services:
        proxy_row, about_proxy = version_of(litellm.NAME, self.spec.version, self.templates)
        caddy_row, about_caddy = version_of(caddy.NAME, None, self.templates)
        found = [*about_proxy, *about_caddy, *exposure(self.spec, self.host)]
        if proxy_row is None or caddy_row is None:
            return Services({}, tuple(found))
        entries = entries_of(self.placement, self.host, self._base)
        found += unreachable(self.host, [self.farm.host(name) for name in self._guarded()])
        found += unserved(self.farm, entries)
        found += unpriced(self.farm.blueprint)
        files, pins = self.farm.gateway_files, self.farm.pins
        image, about_image = _program(
            self.host, self.spec.image, None, files.image, proxy_row, pins, "image"
        )
        found += about_image
        by_host: dict[str, tuple[Service, ...]] = {}
        for name in dict.fromkeys([self.host.name, *self._guarded()]):
            host = self.farm.host(name)
            own = self.spec.caddy
            program, about = _program(
                host, own.image, own.binary, files.caddy, caddy_row, pins, "caddy"
            )
            found += about
            if program is None:
                continue
            if host is not self.host:
                by_host[name] = (self._guard(host, program, caddy_row),)
            elif image is not None:
                proxy = self._proxy(image, proxy_row, entries)
                by_host[name] = (proxy, self._front(program, caddy_row, proxy_row))
        return Services(by_host, tuple(dict.fromkeys(found)))

    def _guarded(self) -> tuple[str, ...]:
        names = dict.fromkeys(placed.host.name for placed in self.asked)
        return tuple(name for name in names if name != self.host.name)

    def _used(self, host: FarmHost) -> set[int]:
        return {p.port for p in self.asked if p.host.name == host.name}

    def _port(self, host: FarmHost, name: str, index: int = 0) -> int:
        start = stable_port(self.farm.project, name, index)
        return free_port(start, self._used(host), host.name)

    def _base(self, placed: Placed) -> str:
        if placed.host.name == self.host.name:
            version = _engine_port(placed, self.templates)
            return f"http://{placed.name}:{version}/v1"
        port = self._port(placed.host, _GUARD)
        return f"http://{_in_url(placed.host.listen)}:{port}/{placed.name}/v1"

    def _proxy(
        self, program: Program, row: ServiceVersion, entries: tuple[litellm.Entry, ...]
    ) -> Service:
        roles, clients = roles_of(self.farm), clients_of(self.farm.blueprint)
        texts = {
            litellm.CONFIG: to_yaml(litellm.config(entries, roles)),
            litellm.SETTINGS: litellm.settings(entries, roles, clients),
            **{name: self.templates[f"gateway/{name}"] for name in litellm.HOOKS},
        }
        names = [client_secret(name) for name in clients]
        names += [PurePosixPath(entry.key).name for entry in entries if entry.key]
        port = self._port(self.host, _PROXY)
        return Service(
            project=self.farm.project,
            name=_PROXY,
            resource="gateway",
            program=program.artifact,
            command=(*program.command, *litellm.arguments(row.port)),
            listens=(Listen(row.port, LOOPBACK, port),),
            files=_mounted("gateway", litellm.FOLDER, texts),
            secrets=tuple(map(SecretUse, dict.fromkeys(names))),
            environment=litellm.environment(),
            memory_bytes=row.ram_bytes,
            processes=row.processes,
            port=port,
            probe=Probe(port, row.health, seconds=_PATIENT),
            start_seconds=row.start_seconds,
            grace_seconds=_GRACE,
            volumes=(("gateway", litellm.DATA),),
            sysctls=litellm.sysctls(),
            folders=_traffic(self.farm.project),
        )

    def _front(self, program: Program, row: ServiceVersion, proxy: ServiceVersion) -> Service:
        spec, port = self.spec, _public_port(self.spec)
        names = _names(spec, self.host)
        text = caddy.front(
            f":{_CONTAINER_PORT}",
            f":{_CONTAINER_HEALTH}",
            f"{_PROXY}:{proxy.port}",
            names,
            private=spec.domain is None or spec.expose is not schema.Exposure.PUBLIC,
        )
        health = self._port(self.host, _FRONT)
        opened = tuple(Listen(_CONTAINER_PORT, at, port) for at in _addresses(spec, self.host))
        listens = (*opened, Listen(_CONTAINER_HEALTH, LOOPBACK, health))
        data = (("front", caddy.DATA),) if names else ()
        return self._caddy(
            program, row, _FRONT, "gateway.caddy", text, listens, port, health, (), data
        )

    def _guard(self, host: FarmHost, program: Program, row: ServiceVersion) -> Service:
        here = [placed for placed in self.asked if placed.host.name == host.name]
        port, health = self._port(host, _GUARD), self._port(host, _GUARD, 1)
        uses = tuple(map(SecretUse, dict.fromkeys([ENGINE_KEY, *filter(None, map(own_key, here))])))
        folder = PurePosixPath(uses[0].path).parent
        if host.spec.runtime is schema.RuntimeChoice.SYSTEMD:
            # a unit has listeners of its own; systemd shows it its secrets in a folder of its name
            folder = PurePosixPath("/run/credentials", unit_name(self.farm.project, _GUARD))
            dials = {p.name: f"{_in_url(p.bind)}:{p.port}" for p in here}
            listen, inside = f"{_in_url(host.listen)}:{port}", f"{LOOPBACK}:{health}"
            listens: tuple[Listen, ...] = ()
        else:
            dials = {p.name: f"{p.name}:{_engine_port(p, self.templates)}" for p in here}
            listen, inside = f":{_CONTAINER_PORT}", f":{_CONTAINER_HEALTH}"
            listens = (
                Listen(_CONTAINER_PORT, host.listen or LOOPBACK, port),
                Listen(_CONTAINER_HEALTH, LOOPBACK, health),
            )
        engines = tuple(
            caddy.Guarded(
                p.name, p.model.spec.task, dials[p.name], _path(folder, own_key(p)), surge=p.surge
            )
            for p in here
        )
        text = caddy.guard(listen, inside, f"{folder}/{ENGINE_KEY}", engines, TRAFFIC)
        folders = _traffic(self.farm.project)
        return self._caddy(
            program,
            row,
            _GUARD,
            "gateway.caddy",
            text,
            listens,
            port,
            health,
            uses,
            folders=folders,
        )

    def _caddy(
        self,
        program: Program,
        row: ServiceVersion,
        name: str,
        resource: str,
        text: str,
        listens: tuple[Listen, ...],
        port: int,
        health: int,
        secrets: tuple[SecretUse, ...],
        volumes: tuple[tuple[str, str], ...] = (),
        folders: tuple[tuple[str, str], ...] = (),
    ) -> Service:
        return Service(
            project=self.farm.project,
            name=name,
            resource=resource,
            program=program.artifact,
            command=(*program.command, *caddy.arguments()),
            listens=listens,
            files=_mounted(name, caddy.FOLDER, {caddy.CONFIG: text}),
            secrets=secrets,
            environment=caddy.environment(),
            memory_bytes=row.ram_bytes,
            processes=row.processes,
            port=port,
            probe=Probe(health, row.health, seconds=_PATIENT),
            start_seconds=row.start_seconds,
            grace_seconds=_GRACE,
            volumes=volumes,
            capabilities=_capabilities(program),
            folders=folders,
        )


def _traffic(project: str) -> tuple[tuple[str, str], ...]:
    return ((traffic_folder(project), TRAFFIC),)


def _capabilities(program: Program) -> tuple[str, ...]:
    published = program.artifact and program.artifact.kind is ArtifactKind.REGISTRY_IMAGE
    return caddy.CAPABILITIES if published else ()


def _path(folder: PurePosixPath, secret: str | None) -> str | None:
    return f"{folder}/{secret}" if secret else None


def _mounted(folder: str, seen: str, texts: Mapping[str, str]) -> tuple[Mounted, ...]:
    return tuple(
        Mounted(File(f"{folder}/{name}", text), f"{seen}/{name}") for name, text in texts.items()
    )


def _in_url(address: str | None) -> str:
    return f"[{address}]" if address and ":" in address else address or LOOPBACK


def _public_port(spec: schema.Gateway) -> int:
    default = _TLS_PORT if spec.expose is schema.Exposure.PUBLIC else _PORT
    return spec.port or default


def _addresses(spec: schema.Gateway, host: FarmHost) -> tuple[str, ...]:
    match spec.expose:
        case schema.Exposure.LOOPBACK:
            return (LOOPBACK,)
        case schema.Exposure.LAN:
            return (host.listen or LOOPBACK,)
        case schema.Exposure.PUBLIC:
            return ("0.0.0.0", "::")


def _names(spec: schema.Gateway, host: FarmHost) -> tuple[str, ...]:
    """What certificates are for; none on loopback, where nobody listens in."""
    if spec.expose is schema.Exposure.LOOPBACK:
        return ()
    if spec.expose is schema.Exposure.PUBLIC:
        return (spec.domain,) if spec.domain else ()
    return tuple(name for name in (spec.domain, host.listen) if name)


def _engine_port(placed: Placed, templates: Mapping[str, str]) -> int:
    """The port of a replica's engine inside its container."""
    engine = engine_for(placed.model)
    row = engine_version(engine, placed.model, templates)[0] if engine else None
    return row.port if row else placed.port


def _program(
    host: FarmHost,
    image: str | schema.ImageArchive | None,
    binary: str | None,
    file: LocalFile | None,
    row: ServiceVersion,
    pins: Pins,
    key: str,
) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    return program_of(host, image, binary, file, row, pins, ("gateway", key))
