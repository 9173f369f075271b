"""Whatever is rendered is closed: every container and unit of every blueprint that ships or tests.

Rules that a golden file alone would not hold: it can be updated.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from planner.render.bundle import ArtifactKind, Bundle, HostBundle
from planner.render.render import render
from planner.sources.templates import load_templates
from planner.workflows import render as render_blueprint
from planner.workflows import size, validate
from tests.render.farms import read_placement
from tests.render.golden_files import GOLDEN, cases

ROOT = Path(__file__).resolve().parents[2]
DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40}")
# model.bin is CTranslate2's own format; test_hub_files holds that only its engine is given it
SAFE = (".safetensors", ".gguf", "/model.bin")
# What a model's folder may hold beside its weights: read as data by every engine.
BESIDE = (".json", ".txt", ".model", ".jinja", ".jinja2", ".tiktoken", ".md")
GIVES_POWER = ("privileged", "cap_add", "pid", "ipc", "network_mode", "userns_mode", "devices",
               "device_cgroup_rules", "extra_hosts", "env_file", "volumes_from", "cgroup",
               "cgroup_parent", "uts", "runtime")  # fmt: skip


def bundles() -> Iterator[tuple[str, Bundle, bool]]:
    """Every bundle by name, and whether it may go to hosts (nothing stands against it)."""
    for case in cases():
        bundle, found = render(read_placement(GOLDEN / case), load_templates())
        yield case, bundle, not any(item.severity == "error" for item in found)
    for path in sorted((ROOT / "blueprints").glob("*.yaml")):
        validated = validate(path, headers=True)
        if not size(validated).fits:
            continue  # the quickstart's files are built by scripts/demo; a golden case has them
        rendered = render_blueprint(validated)
        good = not any(item.severity == "error" for item in rendered.diagnostics)
        yield path.stem, rendered.bundle, good


def _hosts() -> list[Any]:
    return [
        pytest.param(host, good, id=f"{name}-{host.host}")
        for name, bundle, good in bundles()
        for host in bundle.hosts
        if host.files
    ]


HOSTS = _hosts()


def services(host: HostBundle) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in host.files:
        if file.path == "compose.yaml":
            found = yaml.safe_load(file.content)["services"]
    return found


def units(host: HostBundle) -> dict[str, list[tuple[str, str]]]:
    return {
        file.path: [
            (line.partition("=")[0], line.partition("=")[2])
            for line in file.content.splitlines()
            if "=" in line
        ]
        for file in host.files
        if file.path.endswith(".service")
    }


def test_there_is_something_to_look_at() -> None:
    every = [host for host, _ in (param.values for param in HOSTS)]
    assert sum(len(services(host)) for host in every) > 10  # type: ignore[arg-type]
    assert sum(len(units(host)) for host in every) > 5  # type: ignore[arg-type]


@pytest.mark.parametrize(("host", "good"), HOSTS)
def test_containers_have_no_power(host: HostBundle, good: bool) -> None:
    for name, service in services(host).items():
        assert not set(service) & set(GIVES_POWER) - {"cap_add"}, name
        # the published image of Caddy is marked with it, and the kernel starts it only so
        own = ["NET_BIND_SERVICE"] if "library/caddy" in service["image"] else None
        assert service.get("cap_add") == own, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "/var/run/docker.sock" not in str(service), name
        for mount in service["volumes"]:
            assert mount["type"] in ("bind", "volume"), name
            if mount["type"] == "bind":
                assert mount["source"].startswith(f"/var/lib/planner/{host.project}/"), name
                assert ".." not in mount["source"], name
                assert mount["read_only"] is True, name
                assert mount["bind"]["create_host_path"] is False, name
            else:
                assert re.fullmatch(r"[a-z][a-z0-9-]*", mount["source"]), name


@pytest.mark.parametrize(("host", "good"), HOSTS)
def test_containers_have_limits(host: HostBundle, good: bool) -> None:
    for name, service in services(host).items():
        assert 0 < service["pids_limit"] <= 8192, name
        assert service["mem_limit"] == service["memswap_limit"] > 0, name
        options = service["logging"]["options"]
        assert service["logging"]["driver"] == "json-file", name
        assert (options["max-size"], options["max-file"]) == ("10m", "3"), name


@pytest.mark.parametrize(("host", "good"), HOSTS)
def test_what_a_container_runs_cannot_move(host: HostBundle, good: bool) -> None:
    if not good:
        return
    for name, service in services(host).items():
        own = service["image"].startswith(f"planner.local/{host.project}:")
        assert own or DIGEST.fullmatch(service["image"]), name
    for artifact in host.artifacts:
        if artifact.kind is ArtifactKind.REGISTRY_IMAGE:
            assert DIGEST.fullmatch(artifact.source)
        elif artifact.kind is ArtifactKind.HUB_FILES:
            assert COMMIT.fullmatch(artifact.revision or ""), artifact.source
            assert all(f"/{file}".endswith((*SAFE, *BESIDE)) for file in artifact.files), (
                artifact.files
            )
            hashed = {name for name, _ in artifact.hashes}
            assert {file for file in artifact.files if f"/{file}".endswith(SAFE)} <= hashed
        else:
            assert re.fullmatch(r"[0-9a-f]{64}", artifact.key)


@pytest.mark.parametrize(("host", "good"), HOSTS)
def test_ports_are_opened_to_known_addresses_alone(host: HostBundle, good: bool) -> None:
    for name, service in services(host).items():
        for port in service["ports"]:
            address = ipaddress.ip_address(port["host_ip"])
            open_wide = address.is_unspecified or address.is_global
            assert not open_wide or "gateway" in service["labels"]["io.planner.resource"], name


@pytest.mark.parametrize(("host", "good"), HOSTS)
def test_units_have_no_power_and_limits(host: HostBundle, good: bool) -> None:
    for name, rows in units(host).items():
        keys = dict(rows)
        for key in ("DynamicUser", "NoNewPrivileges", "ProtectHome", "PrivateTmp",
                    "ProtectKernelTunables", "RestrictNamespaces", "RestrictSUIDSGID"):  # fmt: skip
            assert keys[key] == "yes", (name, key)
        assert keys["ProtectSystem"] == "strict", name
        assert keys["CapabilityBoundingSet"] == keys["AmbientCapabilities"] == "", name
        assert keys["SystemCallFilter"] == "@system-service", name
        assert int(keys["TasksMax"]) > 0, name
        assert int(keys["MemoryMax"]) > 0, name
        assert keys["MemorySwapMax"] == "0", name
        assert "User" not in keys, name
        # + ! @ before a program would let it run with more rights
        assert shlex.split(keys["ExecStart"])[0].startswith("/"), name
        for key, value in rows:
            if key in ("BindReadOnlyPaths", "RootDirectory", "LoadCredential"):
                source = value.partition(":")[2] if key == "LoadCredential" else value
                assert source.startswith(f"/var/lib/planner/{host.project}/"), (name, value)
                assert ".." not in value, (name, value)
            assert key not in ("BindPaths", "ReadWritePaths", "PermissionsStartOnly"), name


@pytest.mark.parametrize(("host", "good"), HOSTS)
def test_files_stay_in_their_release(host: HostBundle, good: bool) -> None:
    for file in host.files:
        parts = Path(file.path).parts
        assert not Path(file.path).is_absolute()
        assert ".." not in parts
        assert file.mode & 0o022 == 0, file.path
