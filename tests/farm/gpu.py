"""Lets a host pretend to have NVIDIA cards: nvidia-smi answers, Docker grants reservations."""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path

from tests.farm import disk, machine, ssh
from tests.farm.layout import Layout

MOST_CARDS = 16
_TOOL = Path(__file__).with_name("assets") / "nvidia-smi"
_TOOL_PATH = "usr/bin/nvidia-smi"
_CARDS_PATH = "etc/planner-farm/gpus.json"
# Docker offers GPUs if this program exists as it starts, and runs it before a container with some.
_HOOK_PATH = "usr/bin/nvidia-container-runtime-hook"
_HOOK = "#!/bin/sh\nexit 0\n"


def pretend(
    layout: Layout, name: str, model: str, memory_mib: int, count: int = 1, used_mib: int = 0
) -> None:
    """Give the host `count` equal cards of `memory_mib` MiB each; 0 cards take them all away.

    Restarts Docker on a running host when that is what makes the difference visible to it.
    """
    if not 0 <= count <= MOST_CARDS:
        raise ValueError(f"a host has 0 to {MOST_CARDS} cards, not {count}")
    root = layout.host(name).root
    had_cards = (root / _HOOK_PATH).exists()
    if count:
        _install(root, _cards(name, model, memory_mib, count, used_mib))
    else:
        for path in (_TOOL_PATH, _CARDS_PATH, _HOOK_PATH):
            (root / path).unlink(missing_ok=True)
    changed = had_cards != bool(count)
    if changed and machine.is_running(name) and disk.has_docker(layout.host(name)):
        # cards come and go more often in tests than systemd lets a service start
        ssh.call(layout, name, ["systemctl", "reset-failed", "docker"])
        ssh.call(layout, name, ["systemctl", "restart", "docker"])


def _cards(
    name: str, model: str, memory_mib: int, count: int, used_mib: int
) -> list[dict[str, object]]:
    return [
        {
            "index": index,
            "name": model,
            "uuid": f"GPU-{uuid.uuid5(uuid.NAMESPACE_DNS, f'{name}.{index}')}",
            "memory_mib": memory_mib,
            "used_mib": used_mib,
            "count": count,
        }
        for index in range(count)
    ]


def _install(root: Path, cards: list[dict[str, object]]) -> None:
    (root / _CARDS_PATH).parent.mkdir(exist_ok=True)
    (root / _CARDS_PATH).write_text(json.dumps(cards, indent=1))
    shutil.copyfile(_TOOL, root / _TOOL_PATH)
    (root / _HOOK_PATH).write_text(_HOOK)
    for path in (_TOOL_PATH, _HOOK_PATH):
        (root / path).chmod(0o755)
