"""What a model's own configuration calls what engines are told to read otherwise."""

from __future__ import annotations

from typing import Final

from planner.catalogue.model import ModelFacts

_LANGUAGE: Final = "text_config"
EXPERTS: Final = ("num_experts_per_tok", "moe_topk", "moe_top_k", "top_k_experts")


def experts_key(facts: ModelFacts | None) -> str:
    """The key of the number of active experts, as the model's own configuration has it."""
    config = facts.config if facts else {}
    own = config.get(_LANGUAGE, config)
    return next((key for key in EXPERTS if key in own), EXPERTS[0])


def nested(facts: ModelFacts | None) -> bool:
    """Whether the language part has a configuration of its own within the model's."""
    return facts is not None and _LANGUAGE in facts.config
