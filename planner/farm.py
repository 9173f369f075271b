"""The farm after resolve: every name joined to a fact, every default written out.

Values only. ``planner.resolve`` makes them; sizing, placement, cost and render read them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from planner.blueprint import schema
from planner.catalogue.cpu import CpuPlatform
from planner.catalogue.device import Device
from planner.catalogue.model import ModelFacts
from planner.catalogue.quantization import Quantization
from planner.pins import Pins
from planner.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planner.sizing.architecture import Architecture
    from planner.sizing.gguf import GgufWeights
    from planner.sizing.values import SizeReport


NO_PINS: Final = Pins()
SURGE: Final = "-surge"  # ends the name of what serves beside a replica; others end in digits
AS_WRITTEN: Final = "as written"  # the reason of what the blueprint says itself


class SourceKind(StrEnum):
    """Where a model's weights come from."""

    HUB = "hub"
    FILE = "file"
    FOLDER = "folder"


class ModelSource(NamedTuple):
    """``name`` is a hub repository or a local path relative to the blueprint's folder.

    ``path`` is the local path made absolute, for reading; it is never rendered.
    """

    kind: SourceKind
    name: str
    revision: str | None = None
    path: str | None = None


class LocalFile(NamedTuple):
    """A local file that will be pushed. ``bytes`` is None when it is missing, ``sha256`` until it
    was read."""

    path: str
    bytes: int | None = None
    sha256: str | None = None


class LocalAdapter(NamedTuple):
    """An adapter's files on this machine: one GGUF file, or of a ``folder`` what engines read."""

    files: tuple[LocalFile, ...]
    folder: bool = False

    @property
    def digest(self) -> str:
        """16 hexadecimal digits over names and contents: other files are another adapter."""
        rows = sorted(f"{PurePath(file.path).name} {file.sha256}" for file in self.files)
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


class LocalModel(NamedTuple):
    """A model's files on this machine. ``weights`` is None for a hub source; ``folder`` says that
    it names a folder; ``archive`` is the image in a file. ``architecture``, ``gguf``,
    ``quant`` and ``context`` (the length it was trained for) are what the weights' header says.
    ``checkpoint_bytes`` are those of a pinned repository's safetensors files.
    ``adapters`` are those it carries whose source is a path, by name."""

    weights: LocalFile | None = None
    folder: bool = False
    archive: LocalFile | None = None
    architecture: Architecture | None = None
    gguf: GgufWeights | None = None
    quant: str | None = None
    context: int | None = None
    checkpoint_bytes: int | None = None
    adapters: Mapping[str, LocalAdapter] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HostDevice:
    """One GPU of a host. ``memory_bytes`` is what its driver reports, or the catalogue says."""

    index: int
    device: Device
    memory_bytes: int
    uuid: str | None = None


class FarmHost(NamedTuple):
    """A host. ``address`` is None for offers not yet rented; ``listen`` is what ports bind to
    when a workload is exposed to the private network."""

    name: str
    spec: schema.Host
    devices: tuple[HostDevice, ...]
    cpu: CpuPlatform | None
    ram_bytes: int | None
    disk_bytes: int | None
    address: str | None
    listen: str | None

    @property
    def rented(self) -> bool:
        """Whether it is a rented host."""
        return self.spec.rent is not None


class FarmAdapter(NamedTuple):
    """An adapter that a model carries: where it lives between requests, and its rank and the size
    of its file where those are known. ``local`` is None for one from a hub."""

    name: str
    tier: schema.Tier
    rank: int | None = None
    bytes: int | None = None
    source: str = ""
    local: LocalAdapter | None = None


class FarmModel(NamedTuple):
    """A model with its facts, quantization and engine chosen.

    ``facts`` is None when neither the files nor the catalogue know the architecture; ``yarn`` is
    the factor positions are stretched by; ``architecture`` and ``gguf`` are what a local file's
    header says. ``adapter_slots`` are the adapters that live on the device at once, of the rank
    ``adapter_rank`` at most. ``memory_share`` caps what its engine may take of each card, where
    placement lets it share one; None is the engine's own default.
    """

    name: str
    spec: schema.Model
    source: ModelSource
    facts: ModelFacts | None
    quantization: Quantization | None
    engine: str
    engine_why: str
    context: int | None
    yarn: float | None = None
    weights: LocalFile | None = None
    archive: LocalFile | None = None
    architecture: Architecture | None = None
    gguf: GgufWeights | None = None
    adapter_slots: int = 0
    adapter_rank: int | None = None
    adapters: tuple[FarmAdapter, ...] = ()
    memory_share: float | None = None
    checkpoint_bytes: int | None = None


class GatewayFiles(NamedTuple):
    """What the gateway needs from this machine: the texts of system prompts by role, and the
    archives of its two programs where they come as files."""

    prompts: Mapping[str, str] = MappingProxyType({})
    image: LocalFile | None = None
    caddy: LocalFile | None = None


NO_GATEWAY_FILES: Final = GatewayFiles()


class Farm(NamedTuple):
    """Everything resolved. Order follows the document, so that output is stable."""

    project: str
    blueprint: schema.Blueprint
    hosts: tuple[FarmHost, ...]
    models: tuple[FarmModel, ...]
    pins: Pins = NO_PINS
    gateway_files: GatewayFiles = NO_GATEWAY_FILES

    @property
    def hosts_beside(self) -> frozenset[str]:
        """The hosts that a store, a service or the gateway is named to run on."""
        named = [store.on for store in self.blueprint.stores.values()]
        named += [service.on for service in self.blueprint.services.values()]
        named += [self.blueprint.gateway.on] if self.blueprint.gateway else []
        return frozenset(host for on in named for host in on)

    def host(self, name: str) -> FarmHost:
        """The host of that name. Raises KeyError when there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Placed:
    """One replica on the devices of one host, with its size there and its address.

    ``reason`` says why it is there, ``runner_up`` what the next best place was. ``surge`` says that
    it serves beside the replica of that index for as long as that one is replaced.
    """

    model: FarmModel
    index: int
    host: FarmHost
    devices: tuple[HostDevice, ...]
    report: SizeReport
    port: int
    reason: str = ""
    runner_up: str = ""
    surge: bool = False

    @property
    def name(self) -> str:
        """The workload's name on its host: ``chat-0``, or ``chat-0-surge``."""
        return f"{self.model.name}-{self.index}{SURGE if self.surge else ''}"

    @property
    def resource(self) -> str:
        """The replica's name in the document: ``models.chat[0]``."""
        return f"models.{self.model.name}[{self.index}]"

    @property
    def bind(self) -> str:
        """The address its port binds to."""
        if self.surge or self.model.spec.expose is schema.Exposure.LOOPBACK:
            return LOOPBACK
        return self.host.listen or LOOPBACK


class Placement(NamedTuple):
    """Where every replica runs. ``left_out`` are replicas that found no place; ``proof`` says how
    good the answer is known to be."""

    farm: Farm
    replicas: tuple[Placed, ...]
    left_out: tuple[str, ...] = ()
    proof: str = ""
