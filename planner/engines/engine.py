"""What planner needs to know of an inference engine, and what an engine is told about a replica."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from planner.blueprint.schema import Task
from planner.catalogue.quantization import Family
from planner.diagnostics import Diagnostic
from planner.engines.api.values import Setting

if TYPE_CHECKING:
    from planner.engines.versions import EngineVersion
    from planner.farm import FarmModel, Placed


MODELS: Final = "/models"  # where a container or root folder sees its model
ADAPTERS: Final = "/adapters"  # where they are seen there, each in a folder of its digest


class LaunchWeights(NamedTuple):
    """What is known of the model's files: the hash and size of the one file, the hub's commit."""

    sha256: str | None
    bytes: int | None
    revision: str | None


class EngineFile(NamedTuple):
    """A small file that an engine reads at ``path``, inside its container or root folder."""

    path: str
    text: str


class Launch(NamedTuple):
    """One replica about to be started.

    ``model_path`` is the file or folder as the engine sees it; ``host`` and ``port`` are what it
    listens on, inside its container where it has one. ``adapters`` pairs names with paths, in the
    order they are loaded. ``key_file`` holds the key that clients must send. ``list_path`` is the
    file that says at each start what adapters to load, where the engine reads one; then they may
    change while it runs, and stand in no option.
    """

    placed: Placed
    version: EngineVersion
    model_path: str
    host: str
    port: int
    adapters: tuple[tuple[str, str], ...] = ()
    key_file: str | None = None
    list_path: str | None = None
    weights: LaunchWeights | None = None


class AdapterFormat(StrEnum):
    """How an engine wants adapters."""

    GGUF = "gguf"  # one file
    PEFT = "peft"  # a folder with its configuration and safetensors


class Naming(NamedTuple):
    """What a request says to be answered by a model, or by an adapter on it: the model's name, and
    fields of the body as JSON text."""

    model: str
    body: str = "{}"


def without_adapters(model: FarmModel, adapters: tuple[str, ...]) -> Naming | None:
    """For engines that a request to the gateway cannot ask for an adapter."""
    return None if adapters else Naming(model.name)


def named_plainly(model: FarmModel, adapters: tuple[str, ...]) -> Naming | None:
    """An adapter is a model's name of its own; a request can ask for one of them."""
    return Naming(*adapters or (model.name,)) if len(adapters) < 2 else None


class Option(NamedTuple):
    """One option of a command line; a positional argument when ``name`` is empty.

    An ``optional`` one is left out where the engine's version does not know it; any other is then
    an error. ``more`` are further values of an option that takes several.
    """

    name: str
    value: str | None = None
    optional: bool = False
    more: tuple[str, ...] = ()


def no_settings(_: Launch) -> tuple[Setting, ...]:
    """For engines that are not asked."""
    return ()


def _no_files(launch: Launch) -> tuple[EngineFile, ...]:
    return ()


class Engine(NamedTuple):
    """An inference engine.

    ``tasks`` are in order of how well it does them. ``vendors`` are the makers of devices it runs
    on; ``cpu`` says whether it runs without one, ``reserves`` whether it takes its share of a card
    at start, whatever the need. ``folder`` says whether it loads a folder (else one file).
    ``writes`` says whether it writes outside /tmp, ``root`` whether its image must run as root.
    ``strengths`` ends the sentence that says why it was chosen. ``adapters`` is None where it loads
    none, ``naming`` says how a request names one, if it can. ``by_environment`` says that it is
    told by variables, not by options; ``options_in`` is the variable in which its image takes
    options. ``reads_key`` says whether it reads the key of its clients from a file;
    ``key_variable`` is the variable it takes it from otherwise.
    ``keys`` are the keys of a model, of those that not every engine has, that it makes something
    of, ``caps`` its options that limit what it takes of a card. ``files`` are small files beside
    the weights, ``weights_at`` where it looks for those, where not everywhere.
    ``adapter_list`` is the text of the file that names them at each start, for engines that
    also load them while they run. ``settings`` are what it must say of itself once it runs, by the
    names that its file in ``planner.engines.api`` reads. ``loads_converted``
    says that it loads models in the format of CTranslate2.
    """

    name: str
    aliases: tuple[str, ...]
    reads: Family
    tasks: tuple[Task, ...]
    vendors: frozenset[str]
    cpu: bool
    reserves: bool
    folder: bool
    writes: bool
    root: bool
    strengths: str
    options: Callable[[Launch], tuple[Option, ...]]
    environment: Callable[[Launch], tuple[tuple[str, str], ...]]
    check: Callable[[Launch], tuple[Diagnostic, ...]]
    adapters: AdapterFormat | None = None
    by_environment: bool = False
    keys: frozenset[str] = frozenset()
    caps: frozenset[str] = frozenset()
    options_in: str | None = None
    files: Callable[[Launch], tuple[EngineFile, ...]] = _no_files
    weights_at: Callable[[Launch], str | None] | None = None
    reads_key: bool = False
    loads_converted: bool = False
    key_variable: str | None = None
    adapter_list: Callable[[Launch], str] | None = None
    settings: Callable[[Launch], tuple[Setting, ...]] = no_settings
    naming: Callable[[FarmModel, tuple[str, ...]], Naming | None] = named_plainly
