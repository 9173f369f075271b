"""Reads what the observe script printed. Pure; the script is planner/remote/scripts/observe.sh."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress

from planner.diff.places import PART, registry_place
from planner.diff.values import Health, Observed, SeenDevice, SeenWorkload
from planner.errors import PlannerError
from planner.render.bundle import Runtime
from planner.render.manifest import Manifest, read_manifest
from planner.secret import SecretValue
from planner.units import KIB, MIB

_Sections = dict[str, list[str]]

_CONTAINER_FIELDS = 6
_CONTAINER_HEALTH = {
    "running": Health.RUNNING,
    "restarting": Health.RESTARTING,
    "paused": Health.STOPPED,
    "exited": Health.STOPPED,
    "created": Health.STOPPED,
    "dead": Health.STOPPED,
    "removing": Health.STOPPED,
}
_UNIT_HEALTH = {
    "active": Health.RUNNING,
    "reloading": Health.RUNNING,
    "activating": Health.STARTING,
    "deactivating": Health.STOPPED,
    "inactive": Health.STOPPED,
    "failed": Health.STOPPED,
}


def parse_observed(host: str, project: str, text: str) -> Observed:
    """What the host has, from the script's output. Raises PlannerError when it is cut short."""
    sections = _sections(text)
    if "planner 1" not in sections or "end" not in sections:
        raise _misunderstood(host, text)
    machine = _pairs(sections.get("machine", []))
    versions = _pairs(sections.get("versions", []))
    foreign = sections.get("foreign-links", [])
    if not all(link.startswith("/") for link in foreign):
        raise _misunderstood(host, "\n".join(foreign))
    links = _links(sections.get("links", []))
    containers = list(_containers(sections.get("containers", [])))
    silent = "docker-silent" in sections
    ram = machine.get("ram_kib")
    return Observed(
        host=host,
        release=_named(sections, "release"),
        files=dict(_files(sections.get("files", []))),
        workloads=tuple(
            sorted([*containers, *_units(project, sections, links)], key=lambda w: w.name)
        ),
        artifacts=frozenset(
            [*sections.get("places", []), *_images(project, sections.get("images", []))]
        ),
        units={name: leads == "here" and starts for name, (leads, starts) in links.items()},
        devices=tuple(_devices(sections.get("gpus", []))),
        ram_bytes=int(ram) * KIB if ram else None,
        disk_free_bytes=_disk_free(sections.get("disk", [])),
        docker=_version("docker", machine, versions),
        compose=_version("compose", machine, versions),
        systemd=_version("systemd", machine, versions),
        releases=tuple(n for n in sections.get("releases", []) if not n.endswith(PART)),
        manifests=dict(_manifests(sections.get("manifests", []))),
        folder="folder" in sections,
        tools=frozenset(["curl"] if "tool" in machine else []),
        lock=_named(sections, "lock"),
        lock_token=_named(sections, "lock-token"),
        pending=_named(sections, "pending"),
        docker_problem=" ".join(sections.get("containers", [])) if silent else None,
        data=_data(project, sections),
        secrets=dict(_secrets(sections.get("secrets", []))),
        secret_key=_key(_named(sections, "secret-key")),
        sizes=dict(_sizes(sections)),
        unproven=frozenset(key[9:] for key in sections if key.startswith("unproven ")),
        unread_secrets=frozenset(sections.get("unread-secrets", [])),
        others=tuple(sections.get("others", [])),
        foreign_links=tuple(sorted(foreign)),
    )


def _misunderstood(host: str, text: str) -> PlannerError:
    return PlannerError(
        f"{host} answered something that planner does not understand",
        where=host,
        cause=" ".join(text.split())[:200] or "it printed nothing",
        advice="check that the login shell there prints nothing: ssh HOST true",
    )


def _sections(text: str) -> _Sections:
    """Lines by the ``@name`` line above them."""
    sections: _Sections = {}
    lines: list[str] = []
    # not splitlines(): names may hold what it takes for the end of a line too
    for line in text.replace("\0", "\n").split("\n"):
        if line.startswith("@"):
            lines = sections.setdefault(line[1:], [])
        elif line:
            lines.append(line)
    return sections


def _named(sections: _Sections, name: str) -> str | None:
    """The rest of the heading ``@name rest``."""
    return next((key[len(name) + 1 :] for key in sections if key.startswith(f"{name} ")), None)


def _sizes(sections: _Sections) -> Iterator[tuple[str, int]]:
    """The place and the bytes of each heading ``@size BYTES PLACE``."""
    for key in sections:
        name, _, rest = key.partition(" ")
        number, _, place = rest.partition(" ")
        if name == "size" and number.isdigit():
            yield place, int(number)


def _pairs(lines: list[str]) -> dict[str, str]:
    """The first word of each line, with the rest of it."""
    return {key: value.strip() for key, _, value in (line.partition(" ") for line in lines)}


def _version(tool: str, machine: dict[str, str], versions: dict[str, str]) -> str | None:
    """The tool's version, ``present`` when it is there but was not asked, None when it is not."""
    return versions.get(tool) or ("present" if tool in machine else None)


def _files(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of each line that sha256sum printed."""
    for line in lines:
        digest, _, path = line.partition("  ")
        yield path.removeprefix("./"), digest


def _manifests(lines: list[str]) -> Iterator[tuple[str, Manifest]]:
    """Each release's own description, as ``tail -v`` prints them, one after the other.

    One that another version of planner wrote, or somebody changed, is left out.
    """
    texts: dict[str, list[str]] = {}
    text: list[str] = []
    for line in lines:
        if line.startswith("==> ") and line.endswith(" <=="):
            text = texts.setdefault(line[4:-4].partition("/")[0], [])
        else:
            text.append(line)
    for release, found in texts.items():
        with suppress(ValueError):
            if not release.endswith(PART):
                yield release, read_manifest("\n".join(found))


def _data(project: str, sections: _Sections) -> dict[str, tuple[str, ...]]:
    """Folders and volumes of data by name, with the workloads whose containers mount them."""
    prefix = f"planner-{project}_"
    volumes = [v.removeprefix(prefix) for v in sections.get("volumes", []) if v.startswith(prefix)]
    rows = (line.split("|") for line in sections.get("containers", []))
    mounts = {row[3]: row[5].split(",") for row in rows if len(row) == _CONTAINER_FIELDS}
    return {
        name: tuple(w for w, mounted in mounts.items() if f"{prefix}{name}" in mounted)
        for name in (*sections.get("data", []), *volumes)
    }


def _secrets(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Each secret's place and fingerprint; one that others can read has none, and is put anew."""
    for line in lines:
        fingerprint, mode, owner, place = line.split(" ", 3)
        guarded = mode == "600" and owner == (place.partition("@")[2] or "0")
        yield place, fingerprint if guarded else ""


def _key(text: str | None) -> SecretValue | None:
    return SecretValue(text.encode()) if text else None


def _links(lines: list[str]) -> dict[str, tuple[str, bool]]:
    """By unit: where its link leads (here, nowhere, elsewhere), and whether it starts at boot."""
    rows = (line.split() for line in lines)
    return {name: (leads, starts == "yes") for name, leads, starts in rows if leads != "elsewhere"}


def _containers(lines: list[str]) -> Iterator[SeenWorkload]:
    """Containers, as ``docker ps`` was asked to print them."""
    for line in lines:
        fields = line.split("|")
        if len(fields) != _CONTAINER_FIELDS:
            continue
        identity, state, status, name, digest, _ = fields
        health = _CONTAINER_HEALTH.get(state, Health.STOPPED)
        if health is Health.RUNNING and "(unhealthy)" in status:
            health = Health.UNHEALTHY
        elif health is Health.RUNNING and "(health: starting)" in status:
            health = Health.STARTING
        yield SeenWorkload(name, Runtime.COMPOSE, digest, health, identity, status)


def _units(
    project: str, sections: _Sections, links: dict[str, tuple[str, bool]]
) -> Iterator[SeenWorkload]:
    """Units that systemd has loaded, then those that only have their link left."""
    running = dict(_environs(sections.get("environs", [])))
    prefix, suffix = f"planner-{project}-", ".service"
    loaded = set()
    for unit in _blocks(sections.get("units", [])):
        environment = _environment(unit.get("Environment", ""))
        # the pattern also matches units of a project whose name begins with this one's
        mine = environment.get("PLANNER_PROJECT", project if unit["Id"] in links else None)
        if mine != project:
            continue
        loaded.add(unit["Id"])
        health = _UNIT_HEALTH.get(unit.get("ActiveState", ""), Health.STOPPED)
        if unit.get("SubState", "").startswith("auto-restart"):
            health = Health.RESTARTING
        pid = unit.get("MainPID", "0")
        digest = running.get(pid) or environment.get("PLANNER_DIGEST", "")
        yield SeenWorkload(
            name=unit["Id"].removeprefix(prefix).removesuffix(suffix),
            runtime=Runtime.SYSTEMD,
            digest=digest if health.serves else "",
            health=health,
            identity=pid if pid != "0" else "",
            detail=f"{unit.get('ActiveState', '')} ({unit.get('Result', '')})",
        )
    for name in links.keys() - loaded:
        stem = name.removeprefix(prefix).removesuffix(suffix)
        yield SeenWorkload(stem, Runtime.SYSTEMD, "", Health.STOPPED, detail="not loaded")


def _blocks(lines: list[str]) -> Iterator[dict[str, str]]:
    """What ``systemctl show`` prints, one mapping a unit. Each block begins with its Id."""
    block: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition("=")
        if key in block:  # blank lines between blocks are gone by now: a repeated key starts one
            yield block
            block = {}
        block[key] = value
    if "Id" in block:
        yield block


def _environs(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Main process id and the digest it was started with."""
    for line in lines:
        path, _, value = line.partition(":PLANNER_DIGEST=")
        yield path.removeprefix("/proc/").removesuffix("/environ"), value


def _environment(text: str) -> dict[str, str]:
    """A unit's Environment property: words, quoted where they hold blanks."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return dict(word.split("=", 1) for word in words if "=" in word)


def _images(project: str, lines: list[str]) -> Iterator[str]:
    """Places of the images that carry this project's tag, and of all that have a digest."""
    for line in lines:
        repository, tag, digest = [*line.split("|"), "", ""][:3]
        if repository == f"planner.local/{project}":
            yield f"image/{repository}:{tag}"
        elif digest.startswith("sha256:"):
            yield registry_place(f"{repository}@{digest}")


def _devices(lines: list[str]) -> Iterator[SeenDevice]:
    """GPUs, as nvidia-smi was asked to print them: memory in MiB."""
    for line in lines:
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 5 or not fields[0].isdigit():
            continue  # "No devices were found", or an error of the driver
        index, uuid, name, total, used = fields
        yield SeenDevice(int(index), uuid, name, _mib(total), _mib(used))


def _mib(text: str) -> int:
    """Bytes of a number of MiB; 0 for ``[N/A]``, which integrated GPUs report."""
    return int(text) * MIB if text.isdigit() else 0


def _disk_free(lines: list[str]) -> int | None:
    """Bytes free, from ``df -Pk``."""
    fields = lines[-1].split() if len(lines) > 1 else []
    return int(fields[3]) * KIB if len(fields) >= 6 and fields[3].isdigit() else None
