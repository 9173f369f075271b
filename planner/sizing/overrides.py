"""What may be changed of a model at start: context, YaRN, active experts; and what that risks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from planner.blueprint.fixed import CHANGEABLE, fixed_in
from planner.catalogue.model import ModelFacts
from planner.diagnostics import Diagnostic, DocumentPath, error, note, warning

# Beyond this factor no publisher documents YaRN for a model (Qwen and others state 4).
MOST_STRETCH: Final = 4.0


class Trained(NamedTuple):
    """How long a model was trained for: ``documented`` is what its publisher says can be reached by
    stretching positions, ``shipped`` that its files already say so."""

    name: str
    native: int
    documented: int | None = None
    shipped: bool = False


def stretch(
    facts: ModelFacts, context: int, yarn: float | None, path: DocumentPath
) -> tuple[float | None, list[Diagnostic]]:
    """The factor by which positions are stretched to reach ``context`` tokens, or None.

    ``yarn`` is the factor that was written. The factor chosen is the smallest half step that
    reaches; what the publisher does not document is a warning, what nobody does an error.
    """
    native, extension = facts.rope.native_context, facts.rope.extension
    if native < context <= facts.arch.max_position:  # the answer's length beside the prompt's
        return yarn, []
    if extension is None:
        return stretch_beyond(Trained(facts.id, native), context, yarn, path)
    trained = Trained(facts.id, native, extension.max_context, extension.shipped)
    return stretch_beyond(trained, context, yarn, path)


def stretch_beyond(
    trained: Trained, context: int, yarn: float | None, path: DocumentPath
) -> tuple[float | None, list[Diagnostic]]:
    """The same from the bare lengths."""
    native = trained.native
    if context <= native or trained.shipped:
        return yarn, []
    needed = -(-2 * context // native) / 2
    factor = yarn or needed
    if native * factor < context:
        short = f"yarn: {factor:g} reaches {int(native * factor):,} tokens only"
        return None, [error(short, *path, "yarn", value=yarn, advice=f"write yarn: {needed:g}")]
    if factor > MOST_STRETCH:
        far = f"{trained.name} was trained for {native:,} tokens"
        why = f"positions can be stretched {MOST_STRETCH:g} times; beyond that answers fall apart"
        most = f"write context: {int(native * MOST_STRETCH)} or less"
        return None, [error(far, *path, "context", value=context, detail=why, advice=most)]
    said = f"positions are stretched {factor:g} times (YaRN): "
    said += f"{trained.name} was trained for {native:,} tokens"
    if trained.documented is not None and context <= trained.documented:
        cost = "documented by its publisher; short questions may be answered a little worse"
        chosen = note(said, *path, "context", value=context, detail=cost)
        return factor, [chosen] if yarn is None else []
    risk = "its publisher does not document that: try it before you rely on long answers"
    less = f"write context: {native} to stay within what it was trained for"
    risky = warning(said, *path, "context", value=context, detail=risk, advice=less)
    return factor, [risky]


def check_arguments(arguments: Iterable[str], path: DocumentPath) -> list[Diagnostic]:
    """Refuses what an engine's own arguments would change and the weights cannot follow."""
    return [
        error(
            f"a model's weights fix {fixed.what}",
            *path,
            "extra_args",
            value=name,
            detail=fixed.why,
            advice=f"take it out; what can be changed is {CHANGEABLE}",
        )
        for name, fixed in fixed_in(arguments)
    ]


def check_experts(facts: ModelFacts, experts: int, path: DocumentPath) -> list[Diagnostic]:
    """Whether ``experts`` per token is something the weights can do."""
    moe = facts.moe
    most, trained = (moe.experts, moe.experts_per_token) if moe else (0, 0)
    return check_routing(facts.id, most, trained, experts, path)


def check_routing(
    name: str, most: int, trained: int, experts: int, path: DocumentPath
) -> list[Diagnostic]:
    """The same for a model of ``most`` experts a layer, 0 for a dense one, of which it was
    ``trained`` with so many a token."""
    place = (*path, "experts_per_token")
    if not most:
        why = "every layer is one dense network: there is nothing to choose"
        take = "take experts_per_token out"
        what = f"{name} has no experts"
        return [error(what, *place, value=experts, detail=why, advice=take)]
    if experts > most:
        why = "a token cannot pass through more experts than the weights hold"
        what = f"{name} has {most} experts a layer"
        write = f"write a number up to {most}"
        return [error(what, *place, value=experts, detail=why, advice=write)]
    if experts != trained:
        why = "the same memory, another speed; answers with another number are untested"
        what = f"{experts} experts a token instead of the {trained} it was trained with"
        return [note(what, *place, value=experts, detail=why)]
    return []
