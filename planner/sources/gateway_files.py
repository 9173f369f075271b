"""What the gateway needs from this machine: system prompts of roles, archives of its programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from planner.blueprint.schema import Blueprint, ImageArchive
from planner.diagnostics import Diagnostic, warning
from planner.farm import GatewayFiles
from planner.pins import Pins
from planner.sources.local_models import Digest, local_file
from planner.sources.paths import is_file, local_path

_MOST: Final = 1 << 20


def read_gateway_files(
    blueprint: Blueprint, folder: Path, pins: Pins, digest: Digest | None = None
) -> tuple[GatewayFiles, tuple[Diagnostic, ...]]:
    """Read them, relative to the blueprint's ``folder``; say which prompts cannot be read."""
    prompts: dict[str, str] = {}
    found: list[Diagnostic] = []
    for name, role in blueprint.roles.items():
        written = role.system
        if written is None:
            continue
        try:
            prompts[name] = _prompt(local_path(written, folder))
        except (OSError, ValueError) as fault:
            why = getattr(fault, "strerror", None) or str(fault)
            found.append(_unread(name, written, why))
    gateway = blueprint.gateway
    image, caddy = (gateway.image, gateway.caddy.image) if gateway else (None, None)
    files = (
        local_file(item.archive, folder, pins, digest) if isinstance(item, ImageArchive) else None
        for item in (image, caddy)
    )
    return GatewayFiles(prompts, *files), tuple(found)


def _prompt(path: Path) -> str:
    """The text of a prompt. Raises OSError, or ValueError for what is no prompt."""
    if os.path.exists(path) and not is_file(path):
        raise ValueError("it is no file")  # a device would never end
    with path.open("rb") as handle:
        raw = handle.read(_MOST + 1)
    if len(raw) > _MOST:
        raise ValueError(f"it has more than {_MOST >> 20} MiB")
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError("it is no UTF-8 text") from None


def _unread(role: str, written: str, why: str) -> Diagnostic:
    return warning(f"the system prompt of role {role!r} cannot be read: {why}", "roles", role,
                   "system", value=written, detail="`apply` needs it",
                   advice=f"put it at {written}, beside the blueprint")  # fmt: skip
