"""Why an operation is needed, in words; None where it is not. Pure."""

from __future__ import annotations

from planner.diff.places import PART
from planner.diff.values import Health, Observed, SeenWorkload
from planner.render.bundle import Artifact, ArtifactKind, HostBundle, Workload

SHORT = 8
UNPROVEN = "since its start it was not seen to be as it was told"


GONE = "not in the blueprint any more"


def of_start(
    workload: Workload, seen: SeenWorkload | None, adapters: str = "", version: str = ""
) -> str | None:
    """Why a workload has to be started or replaced; ``adapters`` says which of them changed,
    ``version`` what another version of its engine changes."""
    if seen is None:
        return "not on the host yet"
    detail = f" ({seen.detail})" if seen.detail else ""
    match seen.health:
        case Health.STOPPED:
            return f"not running{detail}"
        case Health.RESTARTING:
            return f"keeps restarting{detail}"
        case Health.UNHEALTHY:
            return f"runs, but is not healthy{detail}"
        case Health.RUNNING | Health.STARTING:
            if seen.digest == workload.digest:
                return None
            old = seen.digest[:SHORT] or "unknown"
            digests = f"(digest {old} -> {workload.digest[:SHORT]})"
            if version:
                return f"another engine version, {version} {digests}"
            if adapters and not workload.hot:
                return f"its adapters changed ({adapters}), which it takes at start only {digests}"
            if adapters:
                return f"its settings changed with its adapters ({adapters}) {digests}"
            return f"its settings changed {digests}"


def of_verification(workload: Workload) -> str:
    """What the proof of a start is."""
    if workload.probe is None:
        return "it has to stay up"
    answers = f"it has to answer {workload.probe.path} on port {workload.probe.port}"
    told = ", ".join(item.name.replace("_", " ") for item in workload.settings)
    return f"{answers}, and to be as it was told: {told}" if told else answers


def of_transfer(
    artifact: Artifact, wanted: HostBundle, *, under_way: bool, damaged: int | None = None
) -> str:
    """Why an artifact has to travel; ``damaged`` is how many bytes the host has of it instead."""
    users = [w.name for w in wanted.workloads if artifact.key in w.artifacts]
    needed = f", {', '.join(users)} {'needs' if len(users) == 1 else 'need'} it" if users else ""
    if damaged is not None:
        return f"on the host it has {damaged} of its {artifact.bytes} bytes{needed}"
    if under_way:
        return f"a part is on the host already{needed}"
    images = (ArtifactKind.IMAGE, ArtifactKind.REGISTRY_IMAGE)
    where = "in the host's Docker" if artifact.kind in images else "on the host"
    return f"not {where} yet{needed}"


def of_write(wanted: HostBundle, seen: Observed) -> str | None:
    """Why the release folder has to be written."""
    if seen.release is None:
        return "the host has no release yet"
    if seen.release == wanted.digest:
        return _drift(wanted, seen)
    changed = _changes(wanted, seen)
    return f"the host has release {seen.release[:SHORT]}: {changed}"


def of_activation(
    wanted: HostBundle, seen: Observed, written: bool, astray: list[str]
) -> str | None:
    """Why the release has to be made the current one."""
    if seen.release != wanted.digest:
        old = "none" if seen.release is None else seen.release[:SHORT]
        return f"current release {old} -> {wanted.digest[:SHORT]}"
    if astray:
        return f"systemd's link to {astray[0]} is not as it should be"
    if seen.pending is not None:
        return "the run that switched to it was cut off before it knew that it serves"
    return "its files are written again" if written else None


def of_removal(place: str) -> str:
    """Why something is removed."""
    if place.endswith(PART) or place.startswith("incoming/"):
        return "left over from a transfer that is not needed any more"
    if place.startswith("releases/"):
        return "older than the releases that are kept"
    return "nothing uses it any more"


def of_nothing(wanted: HostBundle, seen: Observed) -> str:
    """Why there is nothing to do on a host."""
    if not wanted.files and not wanted.workloads:
        return f"nothing of project {wanted.project} is on it"
    files, workloads = len(wanted.files), len(wanted.workloads)
    are = "are" if files + workloads > 1 else "is"
    return (
        f"release {wanted.digest[:SHORT]} is current, its {_count(files, 'file')} and "
        f"{_count(workloads, 'workload')} {are} as rendered"
    )


def _drift(wanted: HostBundle, seen: Observed) -> str | None:
    """How the files of the current release differ from what was written there."""
    hashes = {file.path: file.sha256 for file in wanted.files}
    for path in sorted(hashes.keys() | seen.files.keys()):
        if path not in seen.files:
            return f"file {path} is missing on the host"
        if path not in hashes:
            return f"file {path} on the host is not of this release"
        if hashes[path] != seen.files[path]:
            return f"file {path} was changed on the host"
    return None


def _changes(wanted: HostBundle, seen: Observed) -> str:
    """How many files a release changes, against the one on the host."""
    hashes = {file.path: file.sha256 for file in wanted.files}
    both = hashes.keys() & seen.files.keys()
    counts = {
        "changed": sum(hashes[path] != seen.files[path] for path in both),
        "new": len(hashes.keys() - seen.files.keys()),
        "gone": len(seen.files.keys() - hashes.keys()),
    }
    said = [f"{_count(number, 'file')} {word}" for word, number in counts.items() if number]
    return ", ".join(said) or "its files are the same"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
