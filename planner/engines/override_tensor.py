"""Rules of override_tensor: what llama.cpp and its forks start with, and read as it is written."""

from __future__ import annotations

from collections.abc import Iterator

from planner.diagnostics import Diagnostic, error
from planner.engines.engine import Launch


def check_rules(launch: Launch) -> tuple[Diagnostic, ...]:
    """Errors about rules that end the server, or mean something else to it."""
    return tuple(_faults(launch)) if launch.placed.model.spec.override_tensor else ()


def _faults(launch: Launch) -> Iterator[Diagnostic]:
    # only a model with rules waits for it
    from planner.sizing.engines_memory.llama_moved import pattern, target

    path, cards = ("models", launch.placed.model.name, "override_tensor"), launch.placed.devices
    for rule in launch.placed.model.spec.override_tensor:
        place = target(rule)
        if "," in rule:
            yield error("a comma in override_tensor ends the rule", *path, value=rule,
                        advice="write two rules, or (1|2) for a choice")  # fmt: skip
        elif pattern(rule) is None:
            yield error("override_tensor looks for no regular expression", *path, value=rule,
                        advice=r"write one such as \.ffn_.*_exps\.=CPU")  # fmt: skip
        elif place is None or (cards and place >= len(cards)):
            yield error(f"there is no {rule.rpartition('=')[2]} for override_tensor", *path,
                        value=rule, detail=f"{launch.placed.model.name} is given {len(cards)} "
                        f"card{'' if len(cards) == 1 else 's'}, counted from 0",
                        advice="write =CPU, or a card's backend and number: =CUDA0")  # fmt: skip
