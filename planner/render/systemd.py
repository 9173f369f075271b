"""Renders a host's replicas as systemd units, for hosts without a container engine."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final

from planner.diagnostics import Diagnostic, error
from planner.engines.arguments import arguments, environment
from planner.engines.engine import Launch
from planner.farm import FarmHost
from planner.render.bundle import File
from planner.render.limits import memory_limit
from planner.render.places import artifact_folder, release_file, unit_name
from planner.render.rendered import Rendered, workload_digest
from planner.render.replica import Replica
from planner.render.secrets import exporting, mounts, plain
from planner.render.service import Service
from planner.render.systemd_service import systemd_service
from planner.render.unit_text import Credential, Entry, Section, Word, command, entry, to_unit
from planner.secret import SecretUse

_READER: Final = 0  # systemd itself, which runs as root
_PROGRAM: Final = re.compile(r"/[A-Za-z0-9._/+=-]+")

# A model server reads its weights, computes and answers one port; the rest is closed to it.
HARDENING: Final = (
    entry("DynamicUser", "yes"),
    entry("NoNewPrivileges", "yes"),
    entry("CapabilityBoundingSet"),
    entry("AmbientCapabilities"),
    entry("ProtectSystem", "strict"),
    entry("ProtectHome", "yes"),
    entry("PrivateTmp", "yes"),
    entry("ProtectProc", "invisible"),
    entry("ProtectClock", "yes"),
    entry("ProtectHostname", "yes"),
    entry("ProtectControlGroups", "yes"),
    entry("ProtectKernelLogs", "yes"),
    entry("ProtectKernelModules", "yes"),
    entry("ProtectKernelTunables", "yes"),
    entry("LockPersonality", "yes"),
    entry("RestrictNamespaces", "yes"),
    entry("RestrictRealtime", "yes"),
    entry("RestrictSUIDSGID", "yes"),
    entry("RestrictAddressFamilies", "AF_INET", "AF_INET6", "AF_UNIX"),
    entry("SystemCallArchitectures", "native"),
    entry("SystemCallFilter", "@system-service"),
    entry("SystemCallErrorNumber", "EPERM"),
    entry("UMask", "0077"),
)


def render_systemd(
    project: str, host: FarmHost, replicas: tuple[Replica, ...], beside: tuple[Service, ...] = ()
) -> Rendered:
    """One unit a replica, and one for each service beside them."""
    files: list[File] = []
    digests: dict[str, str] = {}
    secrets: dict[str, tuple[SecretUse, ...]] = {}
    found: list[Diagnostic] = []
    for replica in replicas:
        name, program = replica.placed.name, _program(replica)
        usual = replica.version.program[0]
        if not _PROGRAM.fullmatch(program):
            found.append(error(f"{program!r} is no path of a program", "models",
                               replica.placed.model.name, "binary",
                               advice=f"write a full path: {usual}"))  # fmt: skip
            continue
        sections = _sections(replica, program)
        digest = workload_digest([[title, [_data(e) for e in rows]] for title, rows in sections],
                                 replica)  # fmt: skip
        digests[name] = digest
        secrets[name] = replica.secrets(_READER)
        marked = [_marked(section, project, digest) for section in sections]
        files += [file for file, _ in replica.engine_files(_launch(replica))]
        files.append(File(f"units/{unit_name(project, name)}", to_unit(marked)))
        files += replica.lists
    for item in beside:
        unit, digests[item.name] = systemd_service(item, HARDENING)
        files += [unit, *(one.file for one in item.files)]
    return Rendered(tuple(files), digests, secrets, tuple(found))


def _data(item: Entry) -> list[object]:
    return [item.key, *item.words]


def _marked(section: Section, project: str, digest: str) -> Section:
    """The service knows its project and digest: a running process shows them in its environment."""
    title, rows = section
    if title != "Service":
        return section
    mark = entry("Environment", f"PLANNER_PROJECT={project}", f"PLANNER_DIGEST={digest}")
    return title, [*rows, mark]


def _program(replica: Replica) -> str:
    return replica.placed.model.spec.binary or replica.version.program[0]


def _sections(replica: Replica, program: str) -> list[Section]:
    placed = replica.placed
    unit = [
        entry("Description", "planner", replica.project, placed.name),
        entry("Wants", "network-online.target"),
        entry("After", "network-online.target"),
        entry("StartLimitIntervalSec", "0"),
    ]
    service = [
        entry("Type", "exec"),
        _command(replica, program),
        *_environment(replica),
        *_credentials(replica),
        entry("Restart", "on-failure"),
        entry("RestartSec", "5"),
        entry("TimeoutStopSec", "30"),
        *_files(replica),
        *HARDENING,
        *_devices(replica),
        *_processors(replica),
        *_limits(replica),
    ]
    return [("Unit", unit), ("Service", service),
            ("Install", [entry("WantedBy", "multi-user.target")])]  # fmt: skip


def _launch(replica: Replica) -> Launch:
    return replica.launch(replica.placed.bind, replica.placed.port)


def _command(replica: Replica, program: str) -> Entry:
    uses = replica.secrets(_READER)
    words = exporting(uses, (program, *replica.version.program[1:]))
    words = (*words, *arguments(replica.engine, _launch(replica)))
    return command("ExecStart", *(_seen(word, uses) for word in words))


def _seen(word: str, uses: tuple[SecretUse, ...]) -> Word:
    """A secret's path, alone or after ``VARIABLE=``, as a unit names it: systemd sets its folder
    for each start."""
    for use in uses:
        before = word.removesuffix(use.path)
        if before != word and before in ("", f"{use.variable}="):
            return Credential(use.name, before)
    return word


def _credentials(replica: Replica) -> list[Entry]:
    """systemd reads the files as root and shows copies to this unit's user alone."""
    pairs = mounts(replica.project, replica.secrets(_READER))
    return [entry("LoadCredential", f"{PurePath(seen).name}:{path}") for path, seen in pairs]


def _environment(replica: Replica) -> list[Entry]:
    pairs = environment(replica.engine, _launch(replica))
    pairs |= plain(replica.placed.model.spec.environment)
    devices = replica.placed.devices
    if devices:
        pairs["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
        pairs["CUDA_VISIBLE_DEVICES"] = ",".join(d.uuid or str(d.index) for d in devices)
    return [entry("Environment", f"{key}={value}") for key, value in pairs.items()]


def _files(replica: Replica) -> list[Entry]:
    """A root folder sees nothing of the host but model and adapters, bound read-only."""
    if replica.program is None:
        return []
    launch = _launch(replica)
    model, seen = replica.weights_mount(launch)
    files = ((release_file(replica.project, file), at) for file, at in replica.engine_files(launch))
    return [
        entry("RootDirectory", artifact_folder(replica.project, replica.program)),
        entry("MountAPIVFS", "yes"),
        entry("BindReadOnlyPaths", f"{model}:{seen}"),
        *(
            entry("BindReadOnlyPaths", f"{here}:{there}")
            for here, there in (*files, *replica.adapter_mounts)
        ),
    ]


def _devices(replica: Replica) -> list[Entry]:
    devices = replica.placed.devices
    if not devices:
        # code that is written while it runs is needed by GPU compilers only
        return [entry("PrivateDevices", "yes"), entry("MemoryDenyWriteExecute", "yes")]
    nodes = ["/dev/nvidiactl", "/dev/nvidia-uvm", *(f"/dev/nvidia{d.index}" for d in devices)]
    return [entry("DevicePolicy", "closed"), *(entry("DeviceAllow", node, "rw") for node in nodes)]


def _processors(replica: Replica) -> list[Entry]:
    """Threads and memory kept to the nodes of the model, where it names some."""
    spec = replica.placed.model.spec
    nodes = [str(node) for node in spec.numa]
    bound = [entry("NUMAPolicy", "bind"), entry("NUMAMask", ",".join(nodes))] if nodes else []
    if spec.cpus:
        return [*bound, entry("CPUAffinity", spec.cpus.replace(",", " "))]
    return [*bound, entry("CPUAffinity", "numa")] if nodes else []


def _limits(replica: Replica) -> list[Entry]:
    return [
        entry("MemoryMax", str(memory_limit(replica))),
        entry("MemorySwapMax", "0"),
        entry("TasksMax", str(replica.version.processes)),
        entry("LimitMEMLOCK", "infinity"),
        entry("LimitNOFILE", "65536"),
    ]
