"""Renders a service beside the models as an entry of a Docker Compose file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from planner.render.places import BASE, image_name
from planner.render.rendered import workload_digest
from planner.render.service import Service


def compose_service(service: Service) -> tuple[dict[str, Any], str]:
    """The service as data, and its digest: also over the files it reads."""
    entry = _entry(service)
    hashes = [[one.path, one.file.sha256] for one in service.files]
    digest = workload_digest([entry, hashes], service)
    entry["labels"]["io.planner.digest"] = digest
    return entry, digest


def volumes_of(services: Iterable[Service]) -> dict[str, Any]:
    """The volumes section of a compose file; empty without any."""
    names = {
        name: {"labels": {"io.planner.project": service.project}}
        for service in services
        for name, _ in service.volumes
    }
    return {"volumes": names} if names else {}


def _entry(service: Service) -> dict[str, Any]:
    if service.program is None:
        raise ValueError(f"{service.name} has no image")
    # root without any right but to its own files: volumes belong to root
    return {
        "image": image_name(service.project, service.program),
        "entrypoint": [service.command[0]],
        "command": list(service.command[1:]),
        "restart": "unless-stopped",
        "stop_grace_period": f"{service.grace_seconds}s",
        "ports": [
            {
                "target": listen.inside,
                "published": str(listen.port),
                "host_ip": listen.address,
                "protocol": "tcp",
            }
            for listen in service.listens
        ],
        "volumes": [*_binds(service), *_volumes(service)],
        "environment": dict(service.environment),
        **({"sysctls": dict(service.sysctls)} if service.sysctls else {}),
        "user": "0:0",
        "cap_drop": ["ALL"],
        **({"cap_add": list(service.capabilities)} if service.capabilities else {}),
        "security_opt": ["no-new-privileges:true"],
        "read_only": True,
        "tmpfs": ["/tmp"],
        "pids_limit": service.processes,
        "mem_limit": service.memory_bytes,
        "memswap_limit": service.memory_bytes,
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
        "labels": {
            "io.planner.project": service.project,
            "io.planner.workload": service.name,
            "io.planner.resource": service.resource,
        },
    }


def _binds(service: Service) -> list[dict[str, Any]]:
    """Files of the release, through the link to it: what a container reads when it starts is what
    was rendered for it, and no other release's name stands in its definition."""
    home = f"{BASE}/{service.project}"
    pairs = [(f"{home}/current/{one.file.path}", one.path) for one in service.files]
    pairs += [(f"{home}/{use.place}", use.path) for use in service.secrets]
    pairs += service.folders
    return [
        {
            "type": "bind",
            "source": source,
            "target": target,
            "read_only": True,
            "bind": {"create_host_path": False},
        }
        for source, target in pairs
    ]


def _volumes(service: Service) -> list[dict[str, Any]]:
    return [{"type": "volume", "source": name, "target": path} for name, path in service.volumes]
