"""Renders a service beside the models as a systemd unit."""

from __future__ import annotations

from pathlib import PurePath

from planner.render.bundle import File
from planner.render.places import BASE, artifact_folder, unit_name
from planner.render.rendered import workload_digest
from planner.render.service import Service
from planner.render.unit_text import Entry, Section, command, entry, to_unit


def systemd_service(service: Service, hardening: tuple[Entry, ...]) -> tuple[File, str]:
    """The service's unit, and its digest: also over the files it reads."""
    hashes = [[one.path, one.file.sha256] for one in service.files]
    rows = _service(service, hardening)
    sections: list[Section] = [
        ("Unit", [
            entry("Description", "planner", service.project, service.name),
            entry("Wants", "network-online.target"),
            entry("After", "network-online.target"),
            entry("StartLimitIntervalSec", "0"),
        ]),
        ("Service", rows),
        ("Install", [entry("WantedBy", "multi-user.target")]),
    ]  # fmt: skip
    data = [[title, [[e.key, *map(str, e.words)] for e in part]] for title, part in sections]
    digest = workload_digest([data, hashes], service)
    rows.append(
        entry("Environment", f"PLANNER_PROJECT={service.project}", f"PLANNER_DIGEST={digest}")
    )
    return File(f"units/{unit_name(service.project, service.name)}", to_unit(sections)), digest


def _service(service: Service, hardening: tuple[Entry, ...]) -> list[Entry]:
    return [
        entry("Type", "exec"),
        command("ExecStart", *service.command),
        *(entry("Environment", f"{key}={value}") for key, value in service.environment),
        *_credentials(service),
        entry("Restart", "on-failure"),
        entry("RestartSec", "5"),
        entry("TimeoutStopSec", str(service.grace_seconds)),
        *_files(service),
        *hardening,
        entry("PrivateDevices", "yes"),
        entry("MemoryMax", str(service.memory_bytes)),
        entry("MemorySwapMax", "0"),
        entry("TasksMax", str(service.processes)),
        entry("LimitNOFILE", "65536"),
    ]


def _credentials(service: Service) -> list[Entry]:
    """systemd reads the files as root and shows copies to this unit's user alone."""
    home = f"{BASE}/{service.project}"
    return [
        entry("LoadCredential", f"{PurePath(use.path).name}:{home}/{use.place}")
        for use in service.secrets
    ]


def _files(service: Service) -> list[Entry]:
    home = f"{BASE}/{service.project}"
    binds = [
        entry("BindReadOnlyPaths", f"{home}/current/{one.file.path}:{one.path}")
        for one in service.files
    ]
    binds += [entry("BindReadOnlyPaths", f"{here}:{seen}") for here, seen in service.folders]
    if service.program is None:
        return binds
    root = entry("RootDirectory", artifact_folder(service.project, service.program))
    return [root, entry("MountAPIVFS", "yes"), *binds]
