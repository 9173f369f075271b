"""What may be changed of a model at start: context, YaRN, active experts; and what that risks."""

from __future__ import annotations

from typing import Final

from planner.catalogue.model import ModelFacts
from planner.diagnostics import Diagnostic, DocumentPath, error, note, warning

# Beyond this factor no publisher documents YaRN for a model (Qwen and others state 4).
MOST_STRETCH: Final = 4.0


def stretch(
    facts: ModelFacts, context: int, yarn: float | None, path: DocumentPath
) -> tuple[float | None, list[Diagnostic]]:
    """The factor by which positions are stretched to reach ``context`` tokens, or None.

    ``yarn`` is the factor that was written. The factor chosen is the smallest half step that
    reaches; what the publisher does not document is a warning, what nobody does an error.
    """
    native, extension = facts.rope.native_context, facts.rope.extension
    if context <= native or (extension is not None and extension.shipped):
        return yarn, []
    needed = -(-2 * context // native) / 2
    factor = yarn or needed
    if native * factor < context:
        short = f"yarn: {factor:g} reaches {int(native * factor):,} tokens only"
        return None, [error(short, *path, "yarn", value=yarn, advice=f"write yarn: {needed:g}")]
    if factor > MOST_STRETCH:
        far = f"{facts.id} was trained for {native:,} tokens"
        why = f"positions can be stretched {MOST_STRETCH:g} times; beyond that answers fall apart"
        most = f"write context: {int(native * MOST_STRETCH)} or less"
        return None, [error(far, *path, "context", value=context, detail=why, advice=most)]
    chosen = f"positions are stretched {factor:g} times (YaRN): "
    trained = f"{facts.id} was trained for {native:,} tokens"
    if extension is not None and context <= extension.max_context:
        cost = "documented by its publisher; short questions may be answered a little worse"
        said = note(chosen + trained, *path, "context", value=context, detail=cost)
        return factor, [said] if yarn is None else []
    risk = "its publisher does not document that: try it before you rely on long answers"
    less = f"write context: {native} to stay within what it was trained for"
    risky = warning(chosen + trained, *path, "context", value=context, detail=risk, advice=less)
    return factor, [risky]


def check_experts(facts: ModelFacts, experts: int, path: DocumentPath) -> list[Diagnostic]:
    """Whether ``experts`` per token is something the weights can do."""
    place = (*path, "experts_per_token")
    if facts.moe is None:
        why = "every layer is one dense network: there is nothing to choose"
        take = "take experts_per_token out"
        what = f"{facts.id} has no experts"
        return [error(what, *place, value=experts, detail=why, advice=take)]
    most = facts.moe.experts
    if experts > most:
        why = "a token cannot pass through more experts than the weights hold"
        what = f"{facts.id} has {most} experts a layer"
        write = f"write a number up to {most}"
        return [error(what, *place, value=experts, detail=why, advice=write)]
    trained = facts.moe.experts_per_token
    if experts != trained:
        why = "the same memory, another speed; answers with another number are untested"
        what = f"{experts} experts a token instead of the {trained} it was trained with"
        return [note(what, *place, value=experts, detail=why)]
    return []
