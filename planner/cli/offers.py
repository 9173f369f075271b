"""The verb ``offers``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.costs import MaxAgeOption, StrictOption, age_limit
from planner.cli.options import ReportFormat, ReportOption, tell, write, write_json
from planner.errors import BlueprintInvalid
from planner.sizing.engines_memory.groups import USUAL


class TermsChoice(StrEnum):
    """Which terms are listed."""

    ON_DEMAND = "on-demand"
    INTERRUPTIBLE = "interruptible"
    COMMITTED = "committed"
    ALL = "all"


def command(
    model: Annotated[
        str | None, typer.Option("--for", metavar="MODEL", help="Only what this model fits on.")
    ] = None,
    quant: Annotated[str | None, typer.Option(help="bf16, fp8, awq, Q4_K_M, ...")] = None,
    context: Annotated[
        str, typer.Option(help="The least context, at most what the model can.")
    ] = "8k",
    engine: Annotated[str, typer.Option(help="vllm, sglang, llama.cpp, ...")] = USUAL,
    gpu: Annotated[str | None, typer.Option(help="Only this GPU: rtx-4090.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider: runpod.")] = None,
    terms: Annotated[TermsChoice, typer.Option(help="What holds while it runs.")] = (
        TermsChoice.ON_DEMAND
    ),
    at_most: Annotated[
        str | None, typer.Option("--at-most", help='The most it may cost: "0.80 USD/h".')
    ] = None,
    currency: Annotated[str, typer.Option(help="Everything in this currency.")] = "USD",
    inventory: Annotated[Path, typer.Option(help="The folder of your own offers*.yaml.")] = Path(
        "inventory"
    ),
    strict: StrictOption = False,
    max_age: MaxAgeOption = 31,
    format: ReportOption = ReportFormat.TEXT,
) -> None:
    """What can be rented, by price a month of 730 hours; with --for what the model fits on.

    A dated snapshot that ships with planner, and files offers*.yaml of your own; nothing is asked
    online. Exit code 3 when nothing would do, and with --strict when a price is too old.
    """
    from planner import costing
    from planner.views import offers as view
    from planner.views.terminal import stdout_style

    asked = costing.OfferQuestion(
        model, quant, context, engine, gpu, provider,
        None if terms is TermsChoice.ALL else terms.value, at_most, currency.upper(), inventory,
    )  # fmt: skip
    found = costing.offers(asked, age_limit(max_age, strict))
    if format is ReportFormat.JSON:
        write_json(view.offers_to_dict(found))
    elif format is ReportFormat.MARKDOWN:
        write(view.offers_to_markdown(found))
    else:
        write(view.offers_to_text(found, stdout_style()))
    tell(found.diagnostics)
    old = sum(row.stale for row in found.rows)
    if not found.rows:
        raise typer.Exit(3)
    if strict and old:
        raise BlueprintInvalid(
            f"{old} of {len(found.rows)} prices are older than {max_age} days, or undated",
            advice="put quotes of today into inventory/offers-mine.yaml, or raise --max-age",
        )
