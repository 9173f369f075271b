"""ComfyUI: pictures from diffusion checkpoints, on a card."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from planner.blueprint.schema import Exposure, Task
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic, error, warning
from planner.engines.api.values import Setting
from planner.engines.arguments import given, options
from planner.engines.asked import asked_of
from planner.engines.engine import Engine, Launch, Option

_GB: Final = 10**9
_CHECKPOINTS: Final = "/root/ComfyUI/models/checkpoints"


def _options(launch: Launch) -> tuple[Option, ...]:
    return options(
        Option("--listen", launch.host),
        Option("--port", str(launch.port)),
        given("--reserve-vram", _kept_free(launch)),
        # custom nodes run code, and the partners' nodes send prompts to others
        Option("--disable-all-custom-nodes"),
        Option("--offline", optional=True),
        Option("--disable-auto-launch"),
    )


def _kept_free(launch: Launch) -> str | None:
    """Gigabytes of the card that it leaves to others: what sizing did not give it."""
    if not launch.placed.devices:
        return None
    left = min((size.free_bytes for size in launch.placed.report.devices), default=0)
    return f"{left / _GB:.1f}"


def _environment(launch: Launch) -> tuple[tuple[str, str], ...]:
    return (("HF_HUB_OFFLINE", "1"),)


def _weights_at(launch: Launch) -> str | None:
    return f"{_CHECKPOINTS}/{PurePosixPath(launch.model_path).name}"


def _settings(launch: Launch) -> tuple[Setting, ...]:
    """What it must say of itself, as ``planner.engines.api.comfyui`` reads it."""
    kept = _kept_free(launch)
    return asked_of(launch.placed.model, custom_nodes="off", reserve_vram=kept)


def _check(launch: Launch) -> tuple[Diagnostic, ...]:
    model, path = launch.placed.model, ("models", launch.placed.model.name)
    found = []
    if not launch.model_path.endswith(".safetensors"):
        found.append(error("ComfyUI loads one checkpoint file", *path, "source",
                           value=model.spec.source,
                           advice="name the file: source: org/name/file.safetensors"))  # fmt: skip
    if model.spec.expose is not Exposure.LOOPBACK:
        found.append(warning("everybody in the network can use and change ComfyUI", *path, "expose",
                             detail="it asks for no key, and its own interface stores workflows",
                             advice="write expose: loopback"))  # fmt: skip
    return tuple(found)


COMFYUI: Final = Engine(
    name="comfyui",
    aliases=(),
    reads=Family.SAFETENSORS,
    tasks=(Task.IMAGE,),
    vendors=frozenset({"nvidia"}),
    cpu=False,
    reserves=False,
    folder=False,
    writes=True,
    root=True,
    strengths="made for image pipelines",
    options=_options,
    environment=_environment,
    check=_check,
    options_in="CLI_ARGS",
    weights_at=_weights_at,
    settings=_settings,
)
