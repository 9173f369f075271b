"""What a runtime's renderer gives back, and the digest that decides about restarts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from planner.diagnostics import Diagnostic
from planner.farm import FarmHost
from planner.render.bundle import File
from planner.render.replica import Replica
from planner.render.service import Service
from planner.secret import SecretUse


@dataclass(frozen=True, slots=True)
class Rendered:
    """Files of a host, the digest and the secrets of each workload by name, what is to be said."""

    files: tuple[File, ...]
    digests: dict[str, str]
    secrets: dict[str, tuple[SecretUse, ...]]
    diagnostics: tuple[Diagnostic, ...] = ()


NOTHING: Final = Rendered((), {}, {})
Renderer = Callable[[str, FarmHost, tuple[Replica, ...], tuple[Service, ...]], Rendered]


def workload_digest(definition: object, owner: Replica | Service) -> str:
    """16 hexadecimal digits over the definition and the artifacts: all that a restart can change.

    ``definition`` is the service or unit as data, without the digest itself.
    """
    keys = sorted(artifact.key for artifact in owner.fixed)
    text = json.dumps({"definition": definition, "artifacts": keys}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
