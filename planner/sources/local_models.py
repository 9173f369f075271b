"""What lies on this machine for each model: sizes, headers, and digests where asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from planner.blueprint.schema import Blueprint, ImageArchive
from planner.blueprint.source_text import is_local
from planner.farm import LocalAdapter, LocalFile, LocalModel
from planner.pins import Pins
from planner.sources.paths import folder_bytes, is_file, is_folder, local_path

Digest = Callable[[Path], str]

# Of an adapter's folder, what engines read; training leaves more there.
_ADAPTER_FILES: Final = ("adapter_config.json", "adapter_model.safetensors")


def read_local_models(
    blueprint: Blueprint,
    folder: Path,
    pins: Pins,
    digest: Digest | None = None,
    *,
    headers: bool = False,
) -> Mapping[str, LocalModel]:
    """Look at the files that models name, relative to the blueprint's ``folder``.

    A file that is not here is known by its pin, so that a check without the big files can go on.

    ``digest`` gives a file's SHA-256 and is left out where only sizes are needed; ``headers`` asks
    for the architecture that a model's own files state.
    """
    found: dict[str, LocalModel] = {}
    for name, model in blueprint.models.items():
        weights = local_file(model.source, folder, pins, digest) if is_local(model.source) else None
        archive = None
        if isinstance(model.image, ImageArchive):
            archive = local_file(model.image.archive, folder, pins, digest)
        folded = weights is not None and is_folder(Path(weights.path))
        adapters = {
            item: _adapter(blueprint.adapters[item].source, folder, pins, digest)
            for item in model.adapters
            if item in blueprint.adapters and is_local(blueprint.adapters[item].source)
        }
        local = LocalModel(weights, folded, archive, adapters=adapters)
        there = folded or (weights is not None and is_file(Path(weights.path)))
        if headers and there:
            local = _with_header(local)
        found[name] = local if weights else _with_pin(local, model.source, pins)
    return found


def _with_pin(local: LocalModel, source: str, pins: Pins) -> LocalModel:
    """What a pinned repository's config says, where one is kept with the pin."""
    name, _, revision = source.partition("@")
    pin = pins.model("/".join(name.split("/")[:2]), revision or None)
    if pin is None or pin.config is None:
        return local
    from planner.render.hub_files import folder_files
    from planner.sources.model_files import folder_model

    weights = [f for f in folder_files(pin.files) if f.name.endswith(".safetensors")]
    stored = sum(file.bytes for file in weights) or None
    where = f"config.json of {pin.repository}"
    files = folder_model(pin.repository, dict(pin.config), where, stored)
    return local._replace(
        architecture=files.architecture,
        quant=files.quant,
        context=files.architecture.max_position,
        checkpoint_bytes=stored,
    )


def _with_header(local: LocalModel) -> LocalModel:
    from planner.sources.model_files import read_model_files

    files = read_model_files(local.weights.path) if local.weights else None
    if files is None:
        return local
    return local._replace(
        architecture=files.architecture,
        gguf=files.gguf,
        quant=files.quant,
        context=files.architecture.max_position,
        checkpoint_bytes=files.checkpoint_bytes,
    )


def _adapter(written: str, folder: Path, pins: Pins, digest: Digest | None) -> LocalAdapter:
    """A path that is not here is a folder unless it is named like a file."""
    path = local_path(written, folder)
    if is_file(path) or (path.suffix == ".gguf" and not is_folder(path)):
        return LocalAdapter((local_file(written, folder, pins, digest),))
    bare = written.rstrip("/")
    files = (local_file(f"{bare}/{name}", folder, pins, digest) for name in _ADAPTER_FILES)
    return LocalAdapter(tuple(files), folder=True)


def local_file(written: str, folder: Path, pins: Pins, digest: Digest | None) -> LocalFile:
    path = local_path(written, folder)
    if is_folder(path):
        return LocalFile(str(path), folder_bytes(path))
    if not is_file(path):
        pin = pins.files.get(written)
        return LocalFile(str(path), pin.bytes, pin.sha256) if pin else LocalFile(str(path))
    return LocalFile(str(path), path.stat().st_size, digest(path) if digest else None)
