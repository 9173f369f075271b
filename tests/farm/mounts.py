"""What is mounted where on this machine, and unmounting what the farm mounted."""

from __future__ import annotations

from pathlib import Path

from tests.farm.commands import FarmError, run

_MOUNTS = Path("/proc/self/mounts")


def mount_overlay(lower: Path, upper: Path, work: Path, target: Path) -> None:
    """Mount `target` as `lower` (never written) with changes in `upper`, unless it is mounted."""
    if target in mounted_below(target):
        return
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    run(["mount", "-t", "overlay", "planner-farm", "-o", options, target])


def mounted_below(folder: Path) -> list[Path]:
    """Mount points at or below `folder`, innermost first."""
    points = [where for where, _ in _table() if where == folder or folder in where.parents]
    return points[::-1]


def has_overlay_on(lower: Path) -> bool:
    """Whether some mounted overlay stands on the folder `lower`."""
    return any(f"lowerdir={lower}" in options.split(",") for _, options in _table())


def unmount_below(folder: Path) -> None:
    """Unmount all that is mounted at or below `folder`. Raises FarmError when something stays."""
    for point in mounted_below(folder):
        if run(["umount", point], check=False).returncode != 0:
            # Still in use for a moment by a namespace that is going away.
            run(["umount", "--lazy", point], check=False)
    if left := mounted_below(folder):
        raise FarmError(f"still mounted: {', '.join(map(str, left))}")


def _table() -> list[tuple[Path, str]]:
    rows = (line.split() for line in _MOUNTS.read_text().splitlines())
    return [(Path(_unescape(where)), options) for _, where, _, options, *_ in rows]


def _unescape(text: str) -> str:
    """The kernel writes spaces and the like in mount points as octal escapes."""
    return text.encode("latin-1", "replace").decode("unicode_escape") if "\\" in text else text
