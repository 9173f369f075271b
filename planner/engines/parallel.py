"""How a replica is cut over its cards."""

from __future__ import annotations

from typing import NamedTuple

from planner.farm import Placed


class Parallelism(NamedTuple):
    """Ways of tensor and of pipeline parallelism; their product is the number of cards."""

    tensor: int
    pipeline: int


def parallelism(placed: Placed) -> Parallelism:
    """As written; the rest of the placed cards is used for tensor parallelism."""
    spec = placed.model.spec
    pipeline = spec.pipeline_parallel or 1
    tensor = spec.tensor_parallel or max(1, len(placed.devices) // pipeline)
    return Parallelism(tensor, pipeline)
