"""What differs beyond a plan, found in what a host prints when it is looked at closely."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from planner.apply.inspect import parse_inspected
from planner.diff.drift import Finding, findings
from planner.diff.values import Health, Observed, SeenDevice, SeenWorkload
from planner.render.bundle import Runtime, Workload
from planner.units import MIB
from planner.views.drift import drift_to_text

CHAT = Workload("chat-0", "models.chat[0]", Runtime.COMPOSE, "d1", port=8000)
CODE = Workload("code-0", "models.code[0]", Runtime.SYSTEMD, "d2", port=9000)
ID = "c0ffee" * 10
SEEN = Observed(
    "box",
    workloads=(
        SeenWorkload("chat-0", Runtime.COMPOSE, "d1", Health.RUNNING, ID),
        SeenWorkload("code-0", Runtime.SYSTEMD, "d2", Health.RUNNING, "77"),
    ),
    devices=(SeenDevice(0, "GPU-0", "RTX 4090", 24564 * MIB, 900 * MIB),),
)
AS_MADE = """\
@planner 1
@units
Id=planner-demo-code-0.service
FragmentPath=/etc/systemd/system/planner-demo-code-0.service
DropInPaths=
NeedDaemonReload=no
@compose
 services: {}
@containers
chat-0|planner.local/demo:ab|sha256:1|1024|64|unless-stopped|false|GIVEN
@images
planner.local/demo:ab|sha256:1
@ports
8000|127.0.0.1:8000|50|docker-proxy|/system.slice/docker.service
9000|127.0.0.1:9000|77|llama-server|/system.slice/planner-demo-code-0.service
@cards
GPU-0|77|800|llama-server|/system.slice/planner-demo-code-0.service
GPU-0|60|100|python3|/system.slice/docker-CONTAINER.scope
@end
""".replace("CONTAINER", ID).replace("GIVEN", json.dumps({
    "ports": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8000"}]},
    "cap_add": ["CAP_CHOWN"],
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "mounts": [
        {"Type": "bind", "Source": "/w", "Destination": "/models", "RW": False},
        {"Type": "volume", "Source": "/v", "Destination": "/cache", "RW": True},
    ],
    "user": "65534:65534",
    "read_only": True,
    "network_mode": "planner-demo_default",
    "pid": "",
}))  # fmt: skip
SERVICES = {
    "chat-0": {
        "mem_limit": 1024,
        "pids_limit": 64,
        "restart": "unless-stopped",
        "ports": [{"target": 8080, "published": "8000", "host_ip": "127.0.0.1"}],
        "cap_add": ["CHOWN"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "volumes": [{"type": "bind", "source": "/w", "target": "/models", "read_only": True}],
        "user": "65534:65534",
        "read_only": True,
    }
}


def found(text: str, seen: Observed = SEEN) -> tuple[Finding, ...]:
    inspected, compose = parse_inspected(text)
    assert compose == "services: {}"
    return findings("demo", seen, replace(inspected, services=SERVICES), (CHAT, CODE))


def test_a_host_as_planner_made_it_has_nothing() -> None:
    assert found(AS_MADE) == ()
    assert drift_to_text(()) == ""


@pytest.mark.parametrize(
    ("old", "new", "target", "cause"),
    [
        (
            "DropInPaths=",
            "DropInPaths=/etc/x.conf",
            "planner-demo-code-0.service",
            "/etc/x.conf is",
        ),
        ("Reload=no", "Reload=yes", "planner-demo-code-0.service", "runs another version"),
        ("|1024|", "|2048|", "chat-0", "its memory limit is 2048, not 1024"),
        ("|64|", "|0|", "chat-0", "its process limit is 0, not 64"),
        ("unless-stopped", "no", "chat-0", "its restart policy is no"),
        ("|false|", "|true|", "chat-0", "its privilege is everything"),
        ('"HostIp": "127.0.0.1"', '"HostIp": ""', "chat-0", "published at 0.0.0.0:8000->8080"),
        ('"HostPort": "8000"', '"HostPort": "8001"', "chat-0", "published at 127.0.0.1:8001"),
        ('["CAP_CHOWN"]', '["CAP_CHOWN", "CAP_SYS_ADMIN"]', "chat-0", "capability SYS_ADMIN"),
        ('"cap_drop": ["ALL"]', '"cap_drop": null', "chat-0", "not dropped capabilities"),
        ('["no-new-privileges:true"]', "null", "chat-0", "runs without no-new-privileges:true"),
        ('"/models"', '"/other"', "chat-0", "it sees /w of the host as /other"),
        ('"RW": false', '"RW": true', "chat-0", "it may write to /w of the host"),
        ('"user": "65534:65534"', '"user": ""', "chat-0", "it runs as root, not as 65534"),
        ('"read_only": true', '"read_only": false', "chat-0", "may write into its root folder"),
        ('"planner-demo_default"', '"host"', "chat-0", "it shares the network of the host"),
        ('"pid": ""', '"pid": "host"', "chat-0", "it shares the processes of the host"),
        ("ab|sha256:1\n@ports", "ab|sha256:2\n@ports", "chat-0", "is another image by now"),
        ("ab|sha256:1\n@ports", "ab|\n@ports", "chat-0", "is gone"),
        ("|50|docker-proxy|", "|50|nginx|", "port 8000", "nginx (process 50) listens on"),
        ("77|llama-server|/system.slice/planner-demo-code-0", "78|nc|/user", "port 9000", "nc ("),
        (f"docker-{ID}.scope", "user.slice", "RTX 4090 #0", "python3 (process 60) holds 100 MiB"),
    ],
)
def test_each_change_by_hand_is_named_with_its_cause(
    old: str, new: str, target: str, cause: str
) -> None:
    assert old in AS_MADE
    (finding,) = found(AS_MADE.replace(old, new, 1))
    assert finding.target == target
    assert cause in finding.cause
    assert finding.apply.startswith("leaves it")
    assert max(map(len, drift_to_text([finding]).splitlines())) <= 80


def test_memory_that_nobody_of_planner_holds_is_named() -> None:
    idle = replace(SEEN, workloads=())
    without = AS_MADE[: AS_MADE.index("@ports")] + "@ports\n@end\n"
    (finding,) = found(without, idle)
    assert "900 MiB of it are held, and nothing of planner's runs" in finding.cause


def test_a_proxy_of_a_container_that_is_gone_is_a_stranger() -> None:
    gone = tuple(w for w in SEEN.workloads if w.name != "chat-0")
    names = {finding.target for finding in found(AS_MADE, replace(SEEN, workloads=gone))}
    assert "port 8000" in names


@pytest.mark.parametrize(
    ("health", "detail", "strange"),
    [
        (Health.RESTARTING, "Restarting (1) 2 seconds ago", False),
        (Health.STOPPED, "Up 18 seconds (Paused)", False),
        (Health.STOPPED, "Exited (1) 2 seconds ago", True),
    ],
)
def test_the_proxy_of_a_container_that_does_not_serve_is_its_own(
    health: Health, detail: str, strange: bool
) -> None:
    failing = tuple(replace(w, health=health, detail=detail) for w in SEEN.workloads)
    names = {finding.target for finding in found(AS_MADE, replace(SEEN, workloads=failing))}
    assert ("port 8000" in names) is strange
