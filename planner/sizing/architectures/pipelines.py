"""Image pipelines: several networks, of each of which only its parameters count."""

from __future__ import annotations

from planner.catalogue.pipeline import PipelineFacts
from planner.sizing.architecture import Architecture, Role, Tensor


def pipeline_architecture(facts: PipelineFacts) -> Architecture:
    """One flat tensor a network, by the network's name."""
    return Architecture(
        family=facts.family, hidden=0, vocab=0, heads=1, head_dim=0, layers=(),
        tensors=tuple(Tensor(c.name, "", (c.params,), Role.OTHER) for c in facts.components),
        causal=False, pixels=facts.pixels,
    )  # fmt: skip
