"""A plan as JSON: what scripts read, and what ``apply PLANFILE`` needs to carry it out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from planner.diff.values import (
    ActivateRelease,
    FetchArtifact,
    Health,
    Interruption,
    LoadAdapter,
    Operation,
    Plan,
    PushArtifact,
    PutSecret,
    RemoveArtifact,
    RemoveData,
    RemoveProject,
    SeenWorkload,
    StartSurge,
    StartWorkload,
    StopSurge,
    StopWorkload,
    UnloadAdapter,
    VerifyWorkload,
    WriteRelease,
)
from planner.errors import UsageError
from planner.render.bundle import (
    Artifact,
    ArtifactKind,
    File,
    HostBundle,
    Runtime,
    ServedAdapter,
)
from planner.render.manifest import read_workload
from planner.secret import SecretKind, SecretSource

SCHEMA = 3
Json = dict[str, Any]


def save_plan(plan: Plan, public: Mapping[str, Any]) -> Json:
    """The plan as one JSON object: ``public``, as scripts read it, and what carrying it out needs.

    ``public`` is ``planner.views.plan.plan_to_dict``'s result, which the saved file repeats.
    """
    return {
        **public,
        "saved": {
            "schema": SCHEMA,
            "seen": plan.seen,
            "releases": plan.releases,
            "kept": {host: list(names) for host, names in plan.kept.items()},
            "reasons": plan.reasons,
            "unseen": plan.unseen,
            "payloads": {step.id: _payload(step) for step in plan.operations},
        },
    }


def load_plan(data: object) -> Plan:
    """The plan that save_plan() made. Raises UsageError for anything else."""
    try:
        if not isinstance(data, dict):
            raise TypeError("it is no JSON object")
        saved = data["saved"]
        if saved["schema"] != SCHEMA:
            raise ValueError(f"its schema is {saved['schema']}, not {SCHEMA}")
        return Plan(
            project=data["project"],
            operations=tuple(
                _operation(row, saved["payloads"][row["id"]]) for row in data["operations"]
            ),
            interruptions=tuple(Interruption(**row) for row in data["interruptions"]),
            kept={host: tuple(names) for host, names in saved["kept"].items()},
            reasons=dict(saved["reasons"]),
            seen=dict(saved["seen"]),
            releases=dict(saved["releases"]),
            unseen=dict(saved["unseen"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        missing = isinstance(problem, KeyError)
        raise UsageError(
            "this is not a plan that planner saved",
            cause=f"it has no {problem}" if missing else str(problem),
            advice="make one with: planner plan BLUEPRINT --out PLANFILE",
        ) from problem


def _payload(step: Operation) -> Json:
    """What an operation carries beyond the fields all have."""
    match step:
        case PushArtifact() | FetchArtifact():
            return {"artifact": _artifact_to(step.artifact)}
        case PutSecret():
            return {
                "source": _source_to(step.source),
                "place": step.place,
                "owner": step.owner,
                "users": list(step.users),
                "replaces": step.replaces,
            }
        case WriteRelease():
            return {"bundle": _bundle_to(step.bundle)}
        case StopWorkload():
            return {"workload": _seen_to(step.workload)}
        case ActivateRelease():
            return {"release": step.release}
        case StartWorkload():
            more = {"replaces": step.replaces, "was": step.was, "surge": step.surge}
            return {"workload": asdict(step.workload), **more}
        case StartSurge() | StopSurge():
            return {"workload": asdict(step.workload), "beside": step.beside}
        case VerifyWorkload():
            return {"workload": asdict(step.workload)}
        case LoadAdapter():
            more = {"adapter": asdict(step.adapter), "replaces": step.replaces}
            return {"workload": asdict(step.workload), **more}
        case UnloadAdapter():
            return {"workload": asdict(step.workload), "adapter": asdict(step.adapter)}
        case RemoveArtifact():
            return {"key": step.key}
        case RemoveData():
            return {"name": step.name}
        case _:
            return {}


_READERS: dict[str, Callable[[Json, Json], Operation]] = {
    "push": lambda base, more: PushArtifact(**base, artifact=_artifact(more["artifact"])),
    "fetch": lambda base, more: FetchArtifact(**base, artifact=_artifact(more["artifact"])),
    "secret": lambda base, more: PutSecret(
        **base,
        source=_source(more["source"]),
        place=more["place"],
        owner=more["owner"],
        users=tuple(more["users"]),
        replaces=more["replaces"],
    ),
    "write": lambda base, more: WriteRelease(**base, bundle=_bundle(more["bundle"])),
    "stop": lambda base, more: StopWorkload(**base, workload=_seen(more["workload"])),
    "activate": lambda base, more: ActivateRelease(**base, release=more["release"]),
    "start": lambda base, more: StartWorkload(
        **base,
        workload=read_workload(more["workload"]),
        replaces=more["replaces"],
        was=more["was"],
        surge=more["surge"],
    ),
    "start-surge": lambda base, more: StartSurge(**_beside(base, more)),
    "stop-surge": lambda base, more: StopSurge(**_beside(base, more)),
    "verify": lambda base, more: VerifyWorkload(**base, workload=read_workload(more["workload"])),
    "load": lambda base, more: LoadAdapter(
        **base,
        workload=read_workload(more["workload"]),
        adapter=ServedAdapter(**more["adapter"]),
        replaces=more["replaces"],
    ),
    "unload": lambda base, more: UnloadAdapter(
        **base,
        workload=read_workload(more["workload"]),
        adapter=ServedAdapter(**more["adapter"]),
    ),
    "remove": lambda base, more: RemoveArtifact(**base, key=more["key"]),
    "remove-data": lambda base, more: RemoveData(**base, name=more["name"]),
    "remove-project": lambda base, _: RemoveProject(**base),
}


def _beside(base: Json, more: Json) -> Json:
    return {**base, "workload": read_workload(more["workload"]), "beside": more["beside"]}


def _operation(row: Json, payload: Json) -> Operation:
    base = {
        "id": row["id"],
        "host": row["host"],
        "target": row["target"],
        "cause": row["cause"],
        "depends_on": tuple(row["depends_on"]),
    }
    return _READERS[row["kind"]](base, payload)


def _artifact_to(artifact: Artifact) -> Json:
    return {
        "kind": artifact.kind.value,
        "key": artifact.key,
        "source": artifact.source,
        "bytes": artifact.bytes,
        "revision": artifact.revision,
        "files": list(artifact.files),
        "hashes": [list(pair) for pair in artifact.hashes],
        "token": artifact.token and _source_to(artifact.token),
        "folder": artifact.folder,
    }


def _artifact(row: Json) -> Artifact:
    return Artifact(
        kind=ArtifactKind(row["kind"]),
        key=row["key"],
        source=row["source"],
        bytes=row["bytes"],
        revision=row["revision"],
        files=tuple(row["files"]),
        hashes=tuple((name, digest) for name, digest in row["hashes"]),
        token=_source(row["token"]) if row["token"] else None,
        folder=row["folder"],
    )


def _source_to(source: SecretSource) -> Json:
    return {**asdict(source), "kind": source.kind.value}


def _source(row: Json) -> SecretSource:
    return SecretSource(**{**row, "kind": SecretKind(row["kind"])})


def _seen_to(workload: SeenWorkload) -> Json:
    return {
        "name": workload.name,
        "runtime": workload.runtime.value,
        "digest": workload.digest,
        "health": workload.health.value,
        "identity": workload.identity,
        "detail": workload.detail,
    }


def _seen(row: Json) -> SeenWorkload:
    return SeenWorkload(
        row["name"],
        Runtime(row["runtime"]),
        row["digest"],
        Health(row["health"]),
        row["identity"],
        row["detail"],
    )


def _bundle_to(bundle: HostBundle) -> Json:
    return {
        "host": bundle.host,
        "project": bundle.project,
        "runtime": bundle.runtime.value,
        "files": [
            {"path": file.path, "content": file.content, "mode": file.mode} for file in bundle.files
        ],
        "workloads": [asdict(workload) for workload in bundle.workloads],
        "artifacts": [_artifact_to(artifact) for artifact in bundle.artifacts],
        "secrets": [_source_to(source) for source in bundle.secrets],
        "surges": [asdict(workload) for workload in bundle.surges],
        "room": dict(bundle.room),
    }


def _bundle(row: Json) -> HostBundle:
    return HostBundle(
        host=row["host"],
        project=row["project"],
        runtime=Runtime(row["runtime"]),
        files=tuple(File(**file) for file in row["files"]),
        workloads=tuple(read_workload(workload) for workload in row["workloads"]),
        artifacts=tuple(_artifact(artifact) for artifact in row["artifacts"]),
        secrets=tuple(_source(source) for source in row["secrets"]),
        surges=tuple(read_workload(workload) for workload in row["surges"]),
        room=tuple(row["room"].items()),
    )
