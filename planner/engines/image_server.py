"""Any other server, in an image of its owner's: told nothing, and held to what is declared."""

from __future__ import annotations

from planner.blueprint.schema import Server
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic
from planner.engines.engine import Engine, Launch, Option
from planner.engines.registry import find_engine
from planner.engines.versions import EngineVersion
from planner.farm import FarmModel, SourceKind
from planner.units import GIB

NAME = "image"
_USUAL = "/usr/bin/server"  # in the advice for hosts without containers


def engine_for(model: FarmModel) -> Engine | None:
    """The engine that serves a model: one of the registry, else the server that it describes."""
    known = find_engine(model.engine)
    if known is not None or model.spec.server is None:
        return known
    return _engine(model)


def version_of(server: Server) -> EngineVersion:
    """What the blueprint says of a server, as a version of it."""
    return EngineVersion(
        engine=NAME,
        version="",
        date="",
        source="the blueprint",
        program=(_USUAL,),
        image_program=(),
        images={},
        port=server.port,
        health=server.health,
        metrics=None,
        health_command=(),  # what the image holds is not known; the port is asked from outside
        start_seconds=60,
        ram_bytes=GIB,
        processes=4096,
        outside_share=frozenset(),
        flags=frozenset(),
        words={},
        renamed={},
        every={},
        no_image=None,
    )


def _engine(model: FarmModel) -> Engine:
    """It reads whatever the source names, on whatever it is placed."""
    name = model.source.name
    gguf = name.lower().endswith(".gguf")
    hub = model.source.kind is SourceKind.HUB
    return Engine(
        name=model.engine,
        aliases=(),
        reads=Family.GGUF if gguf else Family.SAFETENSORS,
        tasks=(model.spec.task,),
        vendors=frozenset({"nvidia", "amd"}),
        cpu=True,
        reserves=False,
        folder=hub and name.count("/") < 2,
        writes=True,
        root=True,
        strengths="as written",
        options=_nothing,
        environment=_no_variables,
        check=_no_objection,
        keys=frozenset({"tensor_parallel"}),  # how many cards it gets
    )


def _nothing(launch: Launch) -> tuple[Option, ...]:
    return ()


def _no_variables(launch: Launch) -> tuple[tuple[str, str], ...]:
    return ()


def _no_objection(launch: Launch) -> tuple[Diagnostic, ...]:
    return ()
