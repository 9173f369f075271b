"""A model's own files on a hub: its config, and the headers of its weights by ranged requests.

Weights are never fetched: of a checkpoint of many gigabytes, some hundred kilobytes are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from planner.errors import BlueprintInvalid
from planner.pins import HubFile, HubPin
from planner.render.hub_files import folder_files, gguf_files
from planner.secret import SecretValue
from planner.sources.headers import ReadRange, gguf_header, safetensors_bytes
from planner.sources.hub import bearer, pin_repository
from planner.sources.model_files import folder_model, gguf_model, parse_config
from planner.sources.web import ask_range

if TYPE_CHECKING:
    from planner.sizing.ask import ModelFiles

_CONFIG_LIMIT: Final = 4 * 1024 * 1024


def read_hub_model(hub: str, name: str, quant: str | None = None) -> ModelFiles:
    """What the files of ``org/name`` or ``org/name@revision`` say.

    In a repository of GGUF files ``quant`` chooses one. Raises BlueprintInvalid when the hub has
    no such repository or its files cannot be used, UsageError when the hub does not answer.
    """
    repository, _, revision = name.partition("@")
    pin = pin_repository(hub, repository, revision or None)
    weights = [f for f in folder_files(pin.files) if f.name.endswith(".safetensors")]
    if weights:
        return _checkpoint(hub, pin, weights)
    return _gguf(hub, pin, quant)


def read_config(hub: str, pin: HubPin, token: SecretValue | None = None) -> dict[str, Any] | None:
    """The repository's config.json; None without one. Raises as ``read_hub_model`` does."""
    if not any(file.name == "config.json" for file in pin.files):
        return None
    where = _where(hub, pin, "config.json")
    return parse_config(_reader(hub, pin, "config.json", token)(0, _CONFIG_LIMIT), where)


def _checkpoint(hub: str, pin: HubPin, weights: list[HubFile]) -> ModelFiles:
    config = read_config(hub, pin)
    if config is None:
        raise BlueprintInvalid(f"{pin.repository} has no config.json: its shape is not known")
    stored = sum(
        safetensors_bytes(_reader(hub, pin, file.name), _where(hub, pin, file.name))
        for file in weights
    )
    return folder_model(pin.repository, config, _where(hub, pin, "config.json"), stored)


def _gguf(hub: str, pin: HubPin, quant: str | None) -> ModelFiles:
    parts = gguf_files(pin.files, None, quant)
    if not parts:
        names = sorted(file.name for file in pin.files if file.name.endswith(".gguf"))
        raise BlueprintInvalid(
            f"{pin.repository} has {len(names)} GGUF files, and none is the one that is meant",
            cause=", ".join(names[:8]),
            advice="write --quant Q4_K_M, or another that a file's name holds",
        )
    headers = [
        (gguf_header(_reader(hub, pin, file.name), _where(hub, pin, file.name)), file.bytes)
        for file in parts
    ]
    return gguf_model(headers, pin.repository, _where(hub, pin, parts[0].name))


def _where(hub: str, pin: HubPin, file: str) -> str:
    return f"{hub}/{pin.repository}/resolve/{pin.commit}/{file}"


def _reader(hub: str, pin: HubPin, file: str, token: SecretValue | None = None) -> ReadRange:
    url, headers = _where(hub, pin, file), bearer(token)

    def read(offset: int, length: int) -> bytes:
        return ask_range(url, offset, length, headers=headers)

    return read
