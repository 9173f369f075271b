"""One function a verb: the arrows of the design, joined in order.

Reading and reaching hosts happen here through ``sources``, ``remote`` and ``apply``; everything
between is a pure stage. Nothing here prints: results and diagnostics go back to the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from planner.blueprint import schema
from planner.blueprint.check import check_blueprint, check_inventory
from planner.blueprint.document import Document
from planner.blueprint.references import check_references
from planner.diagnostics import Diagnostic, DocumentPath, Severity, error, has_errors
from planner.errors import BlueprintInvalid, UsageError
from planner.farm import Farm, FarmHost, Placement
from planner.resolve import Resolved, resolve
from planner.sources.blueprint_files import Read, is_special, read_document
from planner.sources.catalogue import PackagedCatalogue
from planner.sources.local_models import Digest, read_local_models
from planner.sources.lock_file import read_lock

if TYPE_CHECKING:
    from planner.catalogue.reader import CatalogueReader
    from planner.cost.prices import Prices
    from planner.placement.beside import Footprint
    from planner.placement.keep import Replica, Running
    from planner.placement.layouts import Layouts
    from planner.placement.problem import MonthlyCost
    from planner.placement.ways_out import Market
    from planner.render.bundle import Bundle
    from planner.sizing.headroom import Headroom
    from planner.sizing.replica import ReplicaSizer
    from planner.sizing.services import ServiceSize
    from planner.sizing.stores.values import StoreSize

    Runs = Callable[[], Mapping[Replica, Running]]


class Validated(NamedTuple):
    """What ``validate`` knows: the farm when the blueprint can be resolved, and every finding."""

    path: Path
    farm: Farm | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing stands against going on."""
        return self.farm is not None and not has_errors(self.diagnostics)


class Sized(NamedTuple):
    """A farm with every replica placed that found room; ``diagnostics`` says what did not."""

    path: Path
    placement: Placement
    diagnostics: tuple[Diagnostic, ...]
    stores: tuple[StoreSize, ...] = ()
    services: tuple[ServiceSize, ...] = ()

    @property
    def beside(self) -> dict[str, tuple[tuple[str, int], ...]]:
        """By host, the RAM that stores and services take there, by resource name."""
        found: dict[str, tuple[tuple[str, int], ...]] = {}
        named = [(f"stores.{s.name}", s.hosts, s.ram_bytes) for s in self.stores]
        named += [(item.resource, item.hosts, item.ram_bytes) for item in self.services]
        for resource, hosts, size in named:
            for host in hosts if size else ():
                found[host] = (*found.get(host, ()), (resource, size or 0))
        return found

    @property
    def fits(self) -> bool:
        """Whether everything has a place."""
        return not has_errors(self.diagnostics)


class Rendered(NamedTuple):
    """The files every host should have."""

    path: Path
    bundle: Bundle
    placement: Placement
    diagnostics: tuple[Diagnostic, ...]


def validate(
    path: Path,
    *,
    reader: CatalogueReader | None = None,
    digest: Digest | None = None,
    headers: bool = False,
    read: Read = read_document,
) -> Validated:
    """Read, check and resolve the blueprint at ``path``. Bad input ends as diagnostics.

    ``digest`` is given where files that will be pushed must be named by their content;
    ``headers`` asks for what local model files say of themselves; ``read`` reads the documents.
    """
    document, faults = read(path, str(path))
    if document is None:
        return Validated(path, None, faults)
    checked = check_blueprint(document)
    usable = checked.blueprint or checked.partial
    inventory, inventory_faults = _inventory(usable, path, read)
    found = [*faults, *checked.diagnostics, *inventory_faults]
    found += check_references(document, inventory)
    farm = None
    if usable is not None:
        pins = read_lock(path.parent)
        local = read_local_models(usable, path.parent, pins, digest, headers=headers)
        resolved = resolve(usable, inventory, reader or PackagedCatalogue(), local, pins)
        if usable.gateway is not None or usable.roles:
            resolved = _with_gateway(resolved, usable, path.parent, digest)
        resolved = _with_known_bad(resolved, usable)
        if checked.blueprint is not None:
            farm = resolved.farm
            found += [] if farm.hosts else [_no_hosts(document)]
        found += _placed(resolved, document)
    return Validated(path, farm, tuple(sorted(found, key=_order)))


def _with_gateway(
    resolved: Resolved, blueprint: schema.Blueprint, folder: Path, digest: Digest | None
) -> Resolved:
    from planner.sources.gateway_files import read_gateway_files

    files, found = read_gateway_files(blueprint, folder, resolved.farm.pins, digest)
    farm = resolved.farm._replace(gateway_files=files)
    return Resolved(farm, (*resolved.diagnostics, *found))


def _with_known_bad(resolved: Resolved, blueprint: schema.Blueprint) -> Resolved:
    """What is known against versions that the blueprint names; without any nothing is read."""
    from planner.engines.known_bad import known_bad, names_versions

    if not names_versions(blueprint):
        return resolved
    from planner.engines.advisories import FILE
    from planner.sources.templates import load_engine_data

    texts = load_engine_data(PurePath(FILE).name)
    engines = {model.name: model.engine for model in resolved.farm.models}
    found = known_bad(blueprint, engines, texts)
    return Resolved(resolved.farm, (*resolved.diagnostics, *found))


def _placed(resolved: Resolved, document: Document) -> list[Diagnostic]:
    return [document.place(item) if item.path else item for item in resolved.diagnostics]


def _no_hosts(document: Document) -> Diagnostic:
    sample = "hosts: {box: {address: me@192.168.1.10}}"
    return document.place(error("the farm has no hosts", "hosts", advice=f"add `{sample}`"))


def _order(item: Diagnostic) -> tuple[str, int, int]:
    place = item.position
    return (place.file, place.line, place.column) if place else ("", 0, 0)


def _inventory(
    blueprint: schema.Blueprint | None, path: Path, read: Read
) -> tuple[Mapping[str, schema.Host], tuple[Diagnostic, ...]]:
    if blueprint is None or blueprint.inventory is None:
        return {}, ()
    shown = path.parent / blueprint.inventory
    if is_special(shown):
        special = error("this is no file", "inventory", value=blueprint.inventory,
                        advice="name a YAML file")  # fmt: skip
        return {}, (special,)
    document, faults = read(shown, str(shown))
    if document is None:
        return {}, faults
    inventory, found = check_inventory(document)
    return (inventory.hosts if inventory else {}), (*faults, *found)


def require(validated: Validated) -> Farm:
    """The farm of a valid blueprint. Raises BlueprintInvalid with every finding otherwise."""
    if validated.farm is None or not validated.valid:
        raise invalid(validated.path, validated.diagnostics)
    return validated.farm


def invalid(path: Path, diagnostics: tuple[Diagnostic, ...]) -> BlueprintInvalid:
    """The failure that ends a command when findings stand against it."""
    errors = sum(item.severity.value == "error" for item in diagnostics)
    things = "one mistake" if errors == 1 else f"{errors} mistakes"
    return BlueprintInvalid(
        f"{things} in {path}", advice="mend what is named above, then run it again",
        diagnostics=diagnostics,
    )  # fmt: skip


def size(validated: Validated, running: Runs | None = None, *, anew: bool = False) -> Sized:
    """Size and place everything. Raises BlueprintInvalid when the blueprint itself is wrong.

    ``running`` tells where replicas run now, so that they stay; it is asked when there is a choice,
    after everything was sized. ``anew`` lets them move where that is better.
    """
    from planner.placement.place import place
    from planner.sizing.replica import ReplicaSizer

    sizer = ReplicaSizer()
    farm, said = _with_adapters(require(validated), validated.path.parent, sizer)
    stores, services = _beside(farm)
    placement, found = place(
        farm, sizer, _footprints(stores, services), cost=_cost_when_used(validated),
        budget=lambda: _left_for_rent(farm, validated),
        running=running, anew=anew, market=lambda: _market(validated),
    )  # fmt: skip
    of_stores = (item for store in stores for item in store.diagnostics)
    found = (*_with_changes(validated.diagnostics, placement, sizer), *said, *of_stores, *found)
    return Sized(validated.path, placement, found, stores, services)


def _with_changes(
    said: tuple[Diagnostic, ...], placement: Placement, sizer: ReplicaSizer
) -> tuple[Diagnostic, ...]:
    """``said`` with figures in the place of its notes on changed models, one of each model."""
    changed = [
        replica
        for replica in placement.replicas
        if replica.index == 0
        and (replica.model.spec.experts_per_token or replica.model.spec.kv_dtype)
    ]
    if not changed:
        return said
    from planner.sizing.changes import changes

    found: dict[DocumentPath, Diagnostic] = {}
    for replica in changed:
        request = sizer.request(replica.model, replica.host, replica.devices)
        path = ("models", replica.model.name)
        if request is not None:
            found |= {item.path: item for item in changes(request, replica.report, path)}
    kept = []
    for item in said:
        shown = found.pop(item.path, None) if item.severity is Severity.NOTE else None
        kept.append(shown.at(item.position) if shown else item)
    return (*kept, *found.values())


def _with_adapters(
    farm: Farm, folder: Path, sizer: ReplicaSizer
) -> tuple[Farm, tuple[Diagnostic, ...]]:
    """The farm with what local adapter files say, and what keeps adapters from their models."""
    if not any(model.adapters for model in farm.models):
        return farm, ()
    from planner.sizing.adapted import adapted
    from planner.sources.adapter_files import read_adapters

    return adapted(farm, read_adapters(farm.blueprint, folder), sizer.architecture)


def layouts(sized: Sized) -> tuple[Layouts, ...]:
    """One model over many cards, or a copy on each: for every model that leaves it open."""
    from planner.placement.layouts import layouts as compared
    from planner.sizing.replica import ReplicaSizer

    return compared(sized.placement.replicas, ReplicaSizer())


def headrooms(sized: Sized) -> tuple[Headroom, ...]:
    """How many more roles fit beside each replica, on its device and in its host's RAM."""
    from planner.room import rooms
    from planner.sizing.headroom import headroom
    from planner.sizing.replica import ReplicaSizer

    sizer, replicas = ReplicaSizer(), sized.placement.replicas
    room_of, _ = rooms(sized.placement.farm.hosts)
    left = {name: room.ram_bytes for name, room in room_of.items()}
    taken = [(replica.host.name, replica.report.host.used_bytes) for replica in replicas]
    taken += [(host, size) for host, found in sized.beside.items() for _, size in found]
    for host, used in taken:
        free = left.get(host)
        left[host] = None if free is None else free - used
    rows = []
    for replica in replicas:
        request = sizer.request(replica.model, replica.host, replica.devices)
        if request is not None:
            rows.append(headroom(replica, request, left[replica.host.name]))
    return tuple(row for row in rows if row is not None)


def _beside(farm: Farm) -> tuple[tuple[StoreSize, ...], tuple[ServiceSize, ...]]:
    """Sizes of what runs beside the models; imports nothing for a farm of models alone."""
    stores: tuple[StoreSize, ...] = ()
    services: tuple[ServiceSize, ...] = ()
    if farm.blueprint.stores:
        from planner.sizing.stores.farm import store_sizes

        stores = store_sizes(farm)
    if farm.blueprint.services or farm.blueprint.gateway:
        from planner.sizing.services import service_sizes

        services = service_sizes(farm.blueprint, PackagedCatalogue())
    return stores, services


def _cost_when_used(validated: Validated) -> MonthlyCost:
    """What a host adds a month when it is used; prices are read at the first question."""
    known: list[Prices] = []

    def cost(host: FarmHost) -> int | None:
        from planner.cost.when_used import cost_when_used

        if not host.rented and host.spec.power is None:
            return 0
        if not known:
            from planner.costing import dated_prices, offers_beside

            known.append(dated_prices(PackagedCatalogue(), offers_beside(validated)))
        farm = require(validated)
        return cost_when_used(host, farm.blueprint.budget or schema.Budget(), known[0])

    return cost


def _left_for_rent(farm: Farm, validated: Validated) -> int | None:
    """What the budget leaves for rented hosts, in hundredths a month."""
    from planner.cost.when_used import left_for_rent
    from planner.costing import dated_prices, offers_beside

    return left_for_rent(farm, dated_prices(PackagedCatalogue(), offers_beside(validated)))


def _market(validated: Validated) -> Market:
    """What could be rented or bought, for a farm that does not fit."""
    from planner.cost.market import market
    from planner.costing import dated_prices, offers_beside

    reader, budget = PackagedCatalogue(), require(validated).blueprint.budget
    prices = dated_prices(reader, offers_beside(validated))
    monthly = budget.monthly.currency if budget and budget.monthly else "USD"
    return market(reader, prices, (budget.currency if budget else None) or monthly)


def _footprints(
    stores: tuple[StoreSize, ...], services: tuple[ServiceSize, ...]
) -> dict[str, Footprint]:
    """What placement must know of them, by resource name."""
    from planner.placement.beside import Footprint

    found = {f"stores.{s.name}": Footprint(s.ram_bytes, s.disk_bytes) for s in stores}
    for item in services:
        found[item.resource] = Footprint(item.ram_bytes, item.disk_bytes)
    return found


def with_measured(sized: Sized) -> Sized:
    """The sizes with what engines measured in place of what was computed, where that is known.

    Files are never rendered from it: a blueprint means the same farm on every machine.
    """
    from planner import learned

    record, said = learned.recall(sized.path, sized.placement.farm.project)
    placement, found = learned.with_measured(sized.placement, record.measured)
    return sized._replace(placement=placement, diagnostics=(*sized.diagnostics, *said, *found))


def render(validated: Validated, running: Runs | None = None, *, anew: bool = False) -> Rendered:
    """Render every host's files, for what ``size`` places. Raises BlueprintInvalid when something
    does not fit.

    Errors among the diagnostics, such as a source without a commit, mean that the files are for
    reading, not for a host.
    """
    from planner.render.render import render as rendered
    from planner.sources.templates import load_templates

    sized = size(validated, running, anew=anew)
    if not sized.fits:
        raise invalid(sized.path, sized.diagnostics)
    bundle, found = rendered(sized.placement, load_templates())
    return Rendered(sized.path, bundle, sized.placement, (*sized.diagnostics, *found))


def file_digest() -> Digest:
    """SHA-256 of local files, remembered between runs in the user's cache folder."""
    import os

    from planner.sources.hashes import FileHashes

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return FileHashes(cache / "planner" / "hashes.json").sha256


def first_blueprint(*, file: str, address: str, gpu: str, model: str) -> str:
    """The text of a first blueprint that will lie at ``file``. No ``gpu`` means none.

    Raises UsageError for an address, GPU or model that the next command would call wrong.
    """
    import shlex

    from planner.render.text import fill
    from planner.render.yaml_text import quoted
    from planner.sources.templates import load_templates

    _refuse_unknown(address, gpu, model)
    values = {
        "project": "home",
        "file": shlex.quote(file),
        "address": quoted(address),
        "gpu": quoted(gpu) if gpu else "",
        "source": quoted(model),
        "context": "32k",
    }
    return fill(load_templates()["init/blueprint.yaml.j2"], values)


def _refuse_unknown(address: str, gpu: str, model: str) -> None:
    from planner.blueprint.source_text import is_local
    from planner.catalogue.find_model import find_model
    from planner.catalogue.find_part import find_device, parse_device_spec
    from planner.catalogue.match import NotFound
    from planner.remote.address import parse_address

    try:
        parse_address(address)
    except ValueError as fault:
        raise UsageError(str(fault), where="--address") from fault
    try:
        name, _ = parse_device_spec(gpu)
    except ValueError as fault:
        raise UsageError(str(fault), where="--gpu") from fault
    reader = PackagedCatalogue()
    device = find_device(reader, name) if gpu else None
    if isinstance(device, NotFound):
        raise UsageError(device.summary, where="--gpu", advice=device.advice)
    row = None if is_local(model) else find_model(reader, model.partition("@")[0])
    if isinstance(row, NotFound):
        advice = row.advice or "write a model of the catalogue, or the path of a GGUF file"
        raise UsageError(row.summary, where="--model", advice=advice)


def merge_adapters(folders: Sequence[Path], output: Path) -> Mapping[str, Any]:
    """Write one adapter that does what several do together; returns its configuration.

    Raises UsageError when they cannot be merged.
    """
    from planner.sizing.adapter_merge import merge
    from planner.sources.adapter_folders import read_folder, write_folder

    if len(folders) < 2:
        raise UsageError("one adapter is one already", advice="name two folders or more")
    parts = [read_folder(folder) for folder in folders]
    try:
        merged = merge(parts)
    except ValueError as fault:
        raise UsageError(
            "these adapters cannot be made one",
            cause=str(fault),
            advice="merge each into the base in training, or serve them as roles of their own",
        ) from fault
    write_folder(output, merged)
    return merged.config
