"""The verb ``train``: what an adapter takes to train, how long, and beside what it may run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import Format, FormatOption, tell, write, write_json
from planner.errors import UsageError
from planner.sizing.engines_memory.groups import USUAL
from planner.sizing.training.values import Method, Optimizer, Targets, TrainRequest

if TYPE_CHECKING:
    from planner.diagnostics import Diagnostic
    from planner.farm import Placement


def command(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A hub name, a short name, or a folder with config.json.",
            show_default=False,
        ),
    ],
    method: Annotated[Method, typer.Option(help="The base in 16 bit, or in 4 bit.")],
    on: Annotated[
        str | None, typer.Option("--on", help="A device, with xN for several; or cuda.")
    ] = None,
    beside: Annotated[
        Path | None, typer.Option("--beside", help="A blueprint whose models serve meanwhile.")
    ] = None,
    rank: Annotated[int, typer.Option(min=1, help="The adapter's rank.")] = 16,
    targets: Annotated[Targets, typer.Option(help="Which linears it adapts.")] = Targets.LINEAR,
    pages: Annotated[int | None, typer.Option(min=1, help="Pages of the corpus.")] = None,
    tokens_per_page: Annotated[int, typer.Option(min=1, help="Tokens on a page.")] = 500,
    epochs: Annotated[int, typer.Option(min=1, help="How often it is read.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Sequences on a device at once.")] = 1,
    sequence: Annotated[int, typer.Option(min=1, help="Tokens of a sequence.")] = 2048,
    optimizer: Annotated[Optimizer, typer.Option(help="What Adam keeps.")] = Optimizer.FP32,
    fused_loss: Annotated[
        bool | None, typer.Option(help="The loss in chunks; by default with qlora only.")
    ] = None,
    sharded: Annotated[
        bool, typer.Option("--sharded", help="Spread the base over the devices (FSDP).")
    ] = False,
    device_memory: Annotated[str | None, typer.Option(help="The card's total: 79.19GiB.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Every term with its formula and source.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:  # fmt: skip
    """What an adapter takes to train, how long a corpus takes, and beside what it may run.

    Exit code 3 when it does not fit, or with --beside when no device has room now.
    """
    from planner.sizing.training.beside import Verdict
    from planner.sizing.training.beside import beside as beside_rows
    from planner.sizing.training.size import train
    from planner.views.training import training_to_dict, training_to_text

    placement = _serving(beside)
    if on is None and placement is None:
        raise UsageError("--on or --beside is missing", advice="add --on rtx-4090")
    request, notes = _request(model, method, on or _largest(placement), device_memory)
    request = replace(
        request, rank=rank, targets=targets, optimizer=optimizer, batch=batch, sequence=sequence,
        fused_loss=fused_loss, sharded=sharded, pages=pages, tokens_per_page=tokens_per_page,
        epochs=epochs,
    )  # fmt: skip
    report = train(request)
    report = replace(report, diagnostics=(*notes, *report.diagnostics))
    kind = request.devices[0].name if on else None
    rows = beside_rows(request, placement, kind) if placement is not None else ()
    if placement is not None and not rows:
        raise UsageError(f"the farm has no {kind}", where=str(beside), advice="leave --on out")
    if format is Format.JSON:
        write_json(training_to_dict(report, rows))
    else:
        from planner.views.terminal import stdout_style

        write(training_to_text(report, rows, stdout_style(), explain=explain))
        tell(report.diagnostics)
    if (any(row.verdict is Verdict.NOW for row in rows) if rows else report.fits) is False:
        raise typer.Exit(3)


def _request(
    model: str, method: Method, on: str, device_memory: str | None
) -> tuple[TrainRequest, tuple[Diagnostic, ...]]:
    """The model and device looked up as ``fit`` does, and notes on how their names were read."""
    from planner.sizing.ask import Question, ask
    from planner.sources.catalogue import PackagedCatalogue
    from planner.sources.model_files import read_model_files
    from planner.units import parse_bytes

    try:
        memory = parse_bytes(device_memory) if device_memory else None
    except ValueError as wrong:
        raise UsageError(f"--device-memory: {wrong}") from wrong
    files = read_model_files(model)
    if files is not None and files.gguf is not None:
        raise UsageError(
            f"{model} is a GGUF file",
            cause="adapters are trained on the safetensors of their base; a GGUF file is for use",
            advice="name the model it was made from, such as Qwen/Qwen3-8B",
        )
    asked = ask(Question(model, USUAL, on, memory), PackagedCatalogue(), files)
    if not asked.request.devices:
        raise UsageError(f"--on {on} is no GPU", cause="training needs one", advice="name a GPU")
    found = asked.request
    return TrainRequest(found.model, found.architecture, method, found.devices), asked.notes


def _serving(path: Path | None) -> Placement | None:
    """Where the blueprint's models run. Raises BlueprintInvalid when they do not fit themselves."""
    if path is None:
        return None
    from planner import workflows

    result = workflows.size(workflows.validate(path, headers=True))
    if not result.fits:
        raise workflows.invalid(path, result.diagnostics)
    return result.placement


def _largest(placement: Placement | None) -> str:
    """The farm's card with the most memory."""
    hosts = placement.farm.hosts if placement is not None else ()
    cards = [card for host in hosts for card in host.devices]
    if not cards:
        raise UsageError("the farm has no GPU to train on", advice="add --on rtx-4090 instead")
    return max(cards, key=lambda card: card.memory_bytes).device.id
