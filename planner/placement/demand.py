"""What one replica takes of a host: card memory, RAM, disk and perhaps a written port."""

from __future__ import annotations

from dataclasses import dataclass

from planner.engines.registry import find_engine
from planner.farm import FarmModel
from planner.room import Card
from planner.sizing.values import SizeReport


# Arguments that limit what an engine reserves, so that something else can run on the card.
@dataclass(frozen=True, slots=True)
class CardClaim:
    """Bytes of one card; ``whole`` when nothing else may run on it."""

    card: Card
    bytes: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """Something on disk. Two replicas with the same ``key`` on one host share it."""

    key: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Demand:
    """All that one replica takes of its host."""

    cards: tuple[CardClaim, ...] = ()
    ram_bytes: int = 0
    stored: tuple[Stored, ...] = ()
    port: int | None = None
    threads: int = 0


def capped(model: FarmModel) -> bool:
    """Whether the engine's reservation is limited, by placement or by an argument that was written,
    so that a card can be shared."""
    engine = find_engine(model.engine)
    caps = engine.caps if engine else frozenset()
    written = {argument.partition("=")[0] for argument in model.spec.extra_args}
    return model.memory_share is not None or not caps.isdisjoint(written)


def runs_on_cpu(model: FarmModel) -> bool:
    """Whether the engine can serve from RAM alone. An engine planner does not know may."""
    engine = find_engine(model.engine)
    return engine is None or engine.cpu


def needs_gpu(model: FarmModel) -> bool:
    """Whether the replica must have a card: its engine says so, or what is written does."""
    spec = model.spec
    asked = bool(spec.gpu_layers) or spec.cpu_moe is not None or bool(spec.tensor_parallel)
    return asked or not runs_on_cpu(model)


def runs_on(model: FarmModel, card: Card) -> bool:
    """Whether the engine runs on cards of that maker."""
    engine = find_engine(model.engine)
    return engine is None or card.device.device.vendor in engine.vendors


def demand(model: FarmModel, cards: tuple[Card, ...], report: SizeReport) -> Demand:
    """What the replica takes when it is sized so on these cards.

    An engine that reserves memory at start takes the whole card unless it is capped: its KV pool
    is whatever the card has left, so a second engine would find nothing. A card that the report
    does not mention is taken whole too, because what the replica takes of it is not known.
    """
    engine = find_engine(model.engine)
    whole = engine is not None and engine.reserves and not capped(model)
    sizes = report.devices if len(report.devices) == len(cards) else ()
    claims = (
        tuple(
            CardClaim(card, size.used_bytes, whole) for card, size in zip(cards, sizes, strict=True)
        )
        if sizes
        else tuple(CardClaim(card, 0, True) for card in cards)
    )
    return Demand(claims, report.host.used_bytes, _stored(model, report), model.spec.port,
                  model.spec.threads or 0)  # fmt: skip


def _stored(model: FarmModel, report: SizeReport) -> tuple[Stored, ...]:
    """Weights and image archive. A hub model's files count as what its weights take in memory."""
    things = []
    if model.archive is not None and model.archive.bytes is not None:
        things.append(Stored(f"archive {model.archive.path}", model.archive.bytes))
    if model.weights is not None and model.weights.bytes is not None:
        things.append(Stored(f"weights {model.weights.path}", model.weights.bytes))
    else:
        every = [term for device in report.devices for term in device.terms]
        loaded = sum(t.bytes for t in (*every, *report.host.terms) if t.name == "weights")
        if loaded:
            key = f"weights {model.source.name}@{model.source.revision or ''}"
            things.append(Stored(key, loaded))
    return tuple(things)
