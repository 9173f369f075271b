"""What the gateway needs from this machine: system prompts of roles, archives of its programs."""

from __future__ import annotations

from pathlib import Path

from planner.blueprint.schema import Blueprint, ImageArchive
from planner.diagnostics import Diagnostic, warning
from planner.farm import GatewayFiles
from planner.pins import Pins
from planner.sources.local_models import Digest, local_file


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
        path = folder / Path(written).expanduser()
        try:
            prompts[name] = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            why = getattr(fault, "strerror", None) or "it is no UTF-8 text"
            found.append(_unread(name, written, why))
    gateway = blueprint.gateway
    image, caddy = (gateway.image, gateway.caddy.image) if gateway else (None, None)
    files = (
        local_file(item.archive, folder, pins, digest) if isinstance(item, ImageArchive) else None
        for item in (image, caddy)
    )
    return GatewayFiles(prompts, *files), tuple(found)


def _unread(role: str, written: str, why: str) -> Diagnostic:
    return warning(f"the system prompt of role {role!r} cannot be read: {why}", "roles", role,
                   "system", value=written, detail="`apply` needs it",
                   advice=f"put it at {written}, beside the blueprint")  # fmt: skip
