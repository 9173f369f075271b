"""Asks a model hub what a repository holds at a revision. Reads no weights.

API: https://huggingface.co/docs/hub/api (GET /api/models/{repository}/revision/{revision}).
"""

from __future__ import annotations

import os
from typing import Any, Final

from planner.errors import BlueprintInvalid
from planner.pins import HubFile, HubPin
from planner.secret import SecretValue
from planner.sources.web import ask

HUB: Final = "https://huggingface.co"
# Engines read these. Pickled weights (.bin, .pt) can run code when loaded and are never fetched.
_WANTED: Final = (".safetensors", ".gguf", ".json", ".txt", ".model", ".jinja", ".tiktoken")
# CTranslate2's own format, which is no pickle, and the card by which its servers know the task
_CONVERTED: Final = frozenset({"model.bin", "README.md"})
_VOCABULARY: Final = ("vocabulary.json", "vocabulary.txt")


def hub_address() -> str:
    """The hub to ask: HF_ENDPOINT where it is set, as the hub's own tools read it."""
    return os.environ.get("HF_ENDPOINT", HUB).rstrip("/")


def bearer(token: SecretValue | None) -> dict[str, str]:
    """The header that a gated model asks for: ``token``, else HF_TOKEN as the hub's own tools read
    it; nothing without either."""
    value = token.reveal().decode() if token is not None else os.environ.get("HF_TOKEN")
    return {"Authorization": f"Bearer {value}"} if value else {}


def pin_repository(
    hub: str, repository: str, revision: str | None, token: SecretValue | None = None
) -> HubPin:
    """The commit that ``revision`` (the main branch when None) means now, and its files.

    ``token`` is what the blueprint names for a gated model.
    Raises BlueprintInvalid when there is no such repository or it holds no weights planner takes,
    UsageError when the hub does not answer.
    """
    url = f"{hub}/api/models/{repository}/revision/{revision or 'main'}?blobs=true"
    answer = ask(url, headers=bearer(token))
    if answer.status_code in (401, 403, 404):
        raise BlueprintInvalid(
            f"the hub has no {repository} at {revision or 'main'} for us",
            where=hub,
            cause=f"it answers {answer.status_code}",
            advice="check the name; for a gated model accept its terms, and write hub_token or set "
            "HF_TOKEN",
        )
    try:
        answer.raise_for_status()
        return _pin(repository, answer.json())
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BlueprintInvalid(
            f"the hub's answer about {repository} cannot be used", where=url, cause=str(fault)
        ) from fault


def _pin(repository: str, data: Any) -> HubPin:
    names = {row["rfilename"] for row in data["siblings"]}
    whole = "model.bin" in names and bool(names.intersection(_VOCABULARY))
    converted = _CONVERTED if whole else frozenset()
    rows = [
        row
        for row in data["siblings"]
        if row["rfilename"].endswith(_WANTED) or row["rfilename"] in converted
    ]
    files = tuple(
        HubFile(str(row["rfilename"]), int(row["size"]), (row.get("lfs") or {}).get("sha256"))
        for row in rows
    )
    if not converted and not any(file.name.endswith((".safetensors", ".gguf")) for file in files):
        raise BlueprintInvalid(
            f"{repository} holds no safetensors or GGUF weights",
            cause="pickled weights can run code when they are loaded, so planner takes none",
            advice="look for a converted repository of the same model",
        )
    return HubPin(repository, str(data["sha"]), files)
