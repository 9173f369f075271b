"""What is known against the images and versions that a blueprint names itself. Pure.

Versions that planner chooses are looked at where they are chosen (``planner.render.replica``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.blueprint.schema import Blueprint
from planner.diagnostics import Diagnostic, DocumentPath
from planner.engines.advisories import check_image, check_version


def names_versions(blueprint: Blueprint) -> bool:
    """Whether there is anything to look up at all."""
    models, services, gateway = blueprint.models, blueprint.services, blueprint.gateway
    return (
        any(isinstance(image, str) for _, image in _images(blueprint))
        or any(model.engine_version for model in models.values())
        or any(service.version for service in services.values())
        or (gateway is not None and gateway.version is not None)
    )


def known_bad(
    blueprint: Blueprint, engines: Mapping[str, str], templates: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Errors and warnings, each at the place that names the version; ``engines`` are those chosen,
    by model."""
    for name, model in blueprint.models.items():
        if model.engine_version is not None and name in engines:
            place = ("models", name, "engine_version")
            yield from check_version(templates, engines[name], model.engine_version, *place)
    for path, image in _images(blueprint):
        if isinstance(image, str):
            yield from check_image(templates, image, *path)
    for name, service in blueprint.services.items():
        if service.version is not None:
            path = ("services", name, "version")
            yield from check_version(templates, name, service.version, *path)
    gateway = blueprint.gateway
    if gateway is not None and gateway.version is not None:
        yield from check_version(templates, "litellm", gateway.version, "gateway", "version")


def _images(blueprint: Blueprint) -> Iterator[tuple[DocumentPath, object]]:
    for name, model in blueprint.models.items():
        yield ("models", name, "image"), model.image
    for name, service in blueprint.services.items():
        yield ("services", name, "image"), service.image
    if blueprint.gateway is not None:
        yield ("gateway", "image"), blueprint.gateway.image
        yield ("gateway", "caddy", "image"), blueprint.gateway.caddy.image
