"""Renders a host's replicas as one Docker Compose v2 file."""

from __future__ import annotations

import shlex
from typing import Any, Final

from planner.diagnostics import Diagnostic, error
from planner.engines.arguments import arguments, environment
from planner.engines.engine import Launch
from planner.farm import FarmHost
from planner.render.bundle import File
from planner.render.compose_service import compose_service, volumes_of
from planner.render.limits import deadline_seconds, memory_limit
from planner.render.places import image_name, release_file
from planner.render.rendered import Rendered, workload_digest
from planner.render.replica import Replica
from planner.render.secrets import exporting, mounts, plain
from planner.render.service import Service
from planner.render.yaml_text import to_yaml
from planner.secret import SecretUse

FILE: Final = "compose.yaml"
_NOBODY: Final = 65534
_SHARED_MEMORY: Final = 8 << 30  # NCCL hangs on Docker's 64 MB when several cards work together


def render_compose(
    project: str, host: FarmHost, replicas: tuple[Replica, ...], beside: tuple[Service, ...] = ()
) -> Rendered:
    """The compose file of a host: its replicas, and the services beside them."""
    services: dict[str, Any] = {}
    digests: dict[str, str] = {}
    secrets: dict[str, tuple[SecretUse, ...]] = {}
    found: list[Diagnostic] = []
    files: list[File] = []
    for replica in replicas:
        name = replica.placed.name
        secrets[name] = replica.secrets(_user(replica))
        found += (*_unset(replica, secrets[name]), *_unbound(replica))
        service = _service(replica)
        files += [file for file, _ in replica.engine_files(_launch(replica))]
        digests[name] = workload_digest(service, replica)
        service["labels"]["io.planner.digest"] = digests[name]
        services[name] = service
    for item in beside:
        services[item.name], digests[item.name] = compose_service(item)
    document = {
        "name": f"planner-{project}",
        "services": literal(services),
        "networks": {"default": {"labels": {"io.planner.project": project}}},
        **volumes_of(beside),
    }
    lists = tuple(file for replica in replicas for file in replica.lists)
    mounted = tuple(one.file for item in beside for one in item.files)
    written = (File(FILE, to_yaml(document)), *files, *lists, *mounted)
    return Rendered(written, digests, secrets, tuple(found))


def _launch(replica: Replica) -> Launch:
    return replica.launch("0.0.0.0", replica.version.port)


def _unbound(replica: Replica) -> list[Diagnostic]:
    """Compose has a word for processors, none for the memory of nodes."""
    if not replica.placed.model.spec.numa:
        return []
    return [
        error(
            f"Docker Compose binds no memory to NUMA nodes on {replica.placed.host.name}",
            "models",
            replica.placed.model.name,
            "numa",
            advice=f"write hosts.{replica.placed.host.name}.runtime: systemd, or cpus: the "
            "processors of the node",
        )
    ]


def literal(value: Any) -> Any:
    """``value`` with every ``$`` doubled: Compose would put variables in its place."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: literal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [literal(item) for item in value]
    return value


def _service(replica: Replica) -> dict[str, Any]:
    placed, launch = replica.placed, _launch(replica)
    service: dict[str, Any] = {
        "image": _image(replica),
        **_entrypoint(replica),
        **_command(replica, launch),
        # what serves for a while is gone after a restart of the host
        "restart": "no" if placed.surge else "unless-stopped",
        "stop_grace_period": "30s",
        "ports": [_port(replica)],
        "volumes": _volumes(replica, launch),
        **_environment(replica, launch),
        **_identity(replica),
        **_limits(replica),
        **_devices(replica),
        **_health(replica),
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
        "labels": {
            "io.planner.project": replica.project,
            "io.planner.workload": placed.name,
            "io.planner.resource": placed.resource,
        },
    }
    return service


def _command(replica: Replica, launch: Launch) -> dict[str, Any]:
    """Options as arguments, unless the image reads them from a variable."""
    if _in_variable(replica):
        return {}
    words = list(arguments(replica.engine, launch))
    return {"command": words} if words else {}


def _in_variable(replica: Replica) -> bool:
    return replica.engine.options_in is not None and not _from_archive(replica)


def _user(replica: Replica) -> int:
    return 0 if replica.engine.root else _NOBODY


def _image(replica: Replica) -> str:
    if replica.program is None:
        raise ValueError(f"{replica.placed.name} has no image")
    return image_name(replica.project, replica.program)


def _from_archive(replica: Replica) -> bool:
    return replica.placed.model.archive is not None


def _entrypoint(replica: Replica) -> dict[str, Any]:
    """A root folder has no entry point of its own; an image's may do more than start the engine."""
    binary, version = replica.placed.model.spec.binary, replica.version
    known = version.program if _from_archive(replica) else version.image_program
    program = (binary, *known[1:]) if binary else known
    if program:
        program = exporting(replica.secrets(_user(replica)), program)
    return {"entrypoint": list(program)} if program else {}


def _unset(replica: Replica, uses: tuple[SecretUse, ...]) -> list[Diagnostic]:
    """A variable can be set from a file only where it is known what is started then."""
    if _entrypoint(replica) or not any(use.variable for use in uses):
        return []
    return [
        error(
            f"what the image of {replica.engine.name} starts is not known, so it cannot be given "
            "a secret",
            "models",
            replica.placed.model.name,
            "api_key",
            advice="write binary: <the program in the image>, or take the secret out",
        )
    ]


def _port(replica: Replica) -> dict[str, Any]:
    return {
        "target": replica.version.port,
        "published": str(replica.placed.port),
        "host_ip": replica.placed.bind,
        "protocol": "tcp",
    }


def _volumes(replica: Replica, launch: Launch) -> list[dict[str, Any]]:
    secrets = mounts(replica.project, replica.secrets(_user(replica)))
    files = (
        (release_file(replica.project, file), seen) for file, seen in replica.engine_files(launch)
    )
    model = replica.weights_mount(launch)
    return [_bind(*pair) for pair in (model, *files, *replica.adapter_mounts, *secrets)]


def _bind(source: str, target: str) -> dict[str, Any]:
    return {
        "type": "bind",
        "source": source,
        "target": target,
        "read_only": True,
        "bind": {"create_host_path": False},
    }


def _environment(replica: Replica, launch: Launch) -> dict[str, Any]:
    pairs = environment(replica.engine, launch)
    if replica.engine.options_in and _in_variable(replica):
        pairs[replica.engine.options_in] = shlex.join(arguments(replica.engine, launch))
    pairs |= plain(replica.placed.model.spec.environment)
    if len(replica.placed.devices) > 1:
        # indexes mean what nvidia-smi shows, not CUDA's order by speed
        pairs["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    return {"environment": pairs} if pairs else {}


def _identity(replica: Replica) -> dict[str, Any]:
    engine = replica.engine
    rights: dict[str, Any] = {} if engine.root else {"user": f"{_NOBODY}:{_NOBODY}"}
    rights |= {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
    if not engine.writes:
        rights |= {"read_only": True, "tmpfs": ["/tmp"]}
    return rights


def _limits(replica: Replica) -> dict[str, Any]:
    limits: dict[str, Any] = {"pids_limit": replica.version.processes}
    most = memory_limit(replica)
    # the same for both: weights on a swap disk answer in minutes
    limits |= {"mem_limit": most, "memswap_limit": most}
    if replica.placed.model.spec.cpus:
        limits["cpuset"] = replica.placed.model.spec.cpus
    if len(replica.placed.devices) > 1:
        # NCCL pins its buffers; elsewhere this would only demand a right that hosts may withhold
        ulimits = {"memlock": {"soft": -1, "hard": -1}, "stack": 64 << 20}
        limits |= {"shm_size": _SHARED_MEMORY, "ulimits": ulimits}
    return limits


def _devices(replica: Replica) -> dict[str, Any]:
    devices = replica.placed.devices
    if not devices:
        return {}
    reservation = {
        "driver": "nvidia",
        "device_ids": [device.uuid or str(device.index) for device in devices],
        "capabilities": ["gpu"],
    }
    return {"deploy": {"resources": {"reservations": {"devices": [reservation]}}}}


def _health(replica: Replica) -> dict[str, Any]:
    """A probe that exists in the published image; an archive may hold no such program."""
    if _from_archive(replica) or not replica.version.health_command:
        return {}
    return {
        "healthcheck": {
            "test": ["CMD", *replica.version.health_command],
            "interval": "30s",
            "timeout": "10s",
            "retries": 3,
            "start_period": f"{deadline_seconds(replica)}s",
        }
    }
