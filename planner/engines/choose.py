"""Which engine serves a model when the blueprint does not say, and why."""

from __future__ import annotations

from collections.abc import Iterable

from planner.blueprint.schema import Task
from planner.catalogue.quantization import Family, Quantization
from planner.engines.engine import Engine
from planner.engines.registry import ENGINES, find_engine
from planner.farm import ModelSource


def choose_engine(
    *,
    task: Task,
    source: ModelSource,
    quantization: Quantization | None,
    has_gpu: bool,
    vendors: Iterable[str] = ("nvidia",),
) -> tuple[str, str]:
    """The engine's name, and the reason as a sentence part.

    ``has_gpu`` says whether any host that may take the model has a device, ``vendors`` who made
    them. The first engine of the registry that does the task, reads the files and runs on the
    devices is taken; an engine for that very task goes before one that can do it too.
    """
    family = _family(source, quantization)
    makers = frozenset(vendors) if has_gpu else frozenset()
    fit = [engine for engine in ENGINES if _serves(engine, task, family, makers)]
    fit.sort(key=lambda engine: engine.tasks.index(task))
    if fit:
        return fit[0].name, _why(fit[0], task, family, makers)
    # Nothing does all three. What the host can run decides: files can be had in another format.
    for engine in ENGINES:
        if _runs(engine, makers) and task in engine.tasks:
            return engine.name, f"nothing else runs there; it needs {engine.reads.value} files"
    able = next((engine for engine in ENGINES if task in engine.tasks), ENGINES[0])
    return able.name, f"nothing else does {task.value}; it needs a device"


def on_cpu(engine: str, task: Task) -> Engine:
    """The engine that does ``task`` without a device: ``engine`` itself where it can, else the
    first of the registry that does."""
    known = find_engine(engine)
    if known is not None and known.cpu:
        return known
    able = [other for other in ENGINES if other.cpu and task in other.tasks]
    return min(able, key=lambda other: other.tasks.index(task))


def _family(source: ModelSource, quantization: Quantization | None) -> Family | None:
    if source.name.lower().endswith(".gguf"):
        return Family.GGUF
    if quantization is not None and quantization.family is Family.GGUF:
        return Family.GGUF
    last = source.name.rpartition("/")[2].lower()
    if last.endswith("-gguf"):
        return Family.GGUF
    return Family.SAFETENSORS


def _runs(engine: Engine, makers: frozenset[str]) -> bool:
    return bool(engine.vendors & makers) if makers else engine.cpu


def _serves(engine: Engine, task: Task, family: Family | None, makers: frozenset[str]) -> bool:
    return task in engine.tasks and engine.reads is family and _runs(engine, makers)


def _why(engine: Engine, task: Task, family: Family | None, makers: frozenset[str]) -> str:
    files = f"{family.value} files" if family else "its files"
    place = f"{'/'.join(sorted(engine.vendors & makers))} devices" if makers else "the CPU"
    return f"{task.value} from {files} on {place}: {engine.strengths}"
