"""The verb ``fit``: does one model fit on one kind of device, and how fast is it?"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from planner.cli.options import Format, FormatOption, tell, write, write_json
from planner.diagnostics import Diagnostic, has_errors
from planner.errors import UsageError
from planner.sizing.ask import LocalDevice, ModelFiles, Question, ask
from planner.sizing.values import SizeRequest


def command(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A hub name, a short name, a folder with config.json, or a GGUF file.",
            show_default=False,
        ),
    ],
    on: Annotated[
        str, typer.Option("--on", help="A device or CPU, xN for several; or cuda, cpu, local.")
    ],
    engine: Annotated[
        str | None,
        typer.Option(help="vllm, llama.cpp, ik_llama.cpp, ...; by default what suits the model."),
    ] = None,
    engine_version: Annotated[str | None, typer.Option(help="Such as 0.19.0.")] = None,
    quant: Annotated[str | None, typer.Option(help="bf16, fp8, awq, nvfp4, Q4_K_M, ...")] = None,
    kv_dtype: Annotated[
        str | None, typer.Option(help="auto, fp8, q8_0, or K,V as q8_0,f16.")
    ] = None,
    context: Annotated[str | None, typer.Option(help="Longest sequence in tokens: 32k.")] = None,
    parallel: Annotated[int | None, typer.Option(min=1, help="Sequences at once.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Tokens per step.")] = None,
    ubatch: Annotated[int | None, typer.Option(min=1, help="llama.cpp's physical batch.")] = None,
    tp: Annotated[int | None, typer.Option(min=1, help="Tensor parallel ranks.")] = None,
    pp: Annotated[int | None, typer.Option(min=1, help="Pipeline stages.")] = None,
    gpu_memory_utilization: Annotated[
        float | None, typer.Option(min=0.01, max=1.0, help="Share of the memory vLLM may use.")
    ] = None,
    adapters: Annotated[int | None, typer.Option(min=0, help="LoRA slots on the device.")] = None,
    adapter_rank: Annotated[int | None, typer.Option(min=1, help="Their largest rank.")] = None,
    eager: Annotated[bool, typer.Option("--eager", help="No CUDA graphs.")] = False,
    gpu_layers: Annotated[int | None, typer.Option(min=0, help="Layers on devices.")] = None,
    cpu_moe: Annotated[int | None, typer.Option(min=0, help="Layers with experts in RAM.")] = None,
    flash_attention: Annotated[bool | None, typer.Option(help="llama.cpp's -fa.")] = None,
    unified: Annotated[
        bool | None, typer.Option(help="llama.cpp's --kv-unified: slots share one cache.")
    ] = None,
    swa_full: Annotated[
        bool, typer.Option("--swa-full", help="llama.cpp: sliding layers keep every token.")
    ] = False,
    mla: Annotated[
        int | None, typer.Option(min=0, max=3, help="ik_llama.cpp's -mla: its latent cache.")
    ] = None,
    attention_batch: Annotated[
        int | None, typer.Option(min=0, help="ik_llama.cpp's -amb, in MiB.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
    depth: Annotated[
        int | None, typer.Option(min=0, help="Tokens before the measured ones.")
    ] = None,
    experts_per_token: Annotated[
        int | None, typer.Option(min=1, help="Active experts, instead of the model's own number.")
    ] = None,
    yarn: Annotated[
        float | None, typer.Option(help="Stretch positions so many times; by default as needed.")
    ] = None,
    expert_parallel: Annotated[
        bool, typer.Option("--expert-parallel", help="Whole experts on each of --tp devices.")
    ] = False,
    draft: Annotated[
        str | None, typer.Option(help="A smaller model that guesses tokens for MODEL.")
    ] = None,
    draft_tokens: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Guesses at once: 4. llama.cpp: without --draft, by the model's MTP head.",
        ),
    ] = None,
    images: Annotated[
        bool, typer.Option("--images", help="llama.cpp: load the image encoder (mmproj) too.")
    ] = False,
    cache_ram: Annotated[
        str | None, typer.Option(help="llama.cpp: RAM for saved prompts; its own default is 8GiB.")
    ] = None,
    ram: Annotated[str | None, typer.Option(help="The host's RAM: 64GiB.")] = None,
    cpu: Annotated[
        str | None, typer.Option(help="The host's CPU beside devices: epyc-9374f, or 460.8GB/s.")
    ] = None,
    device_memory: Annotated[str | None, typer.Option(help="The card's total: 79.19GiB.")] = None,
    memory_bandwidth: Annotated[str | None, typer.Option(help="Such as 460.8GB/s.")] = None,
    from_hub: Annotated[
        bool,
        typer.Option("--from-hub", help="Read the headers of MODEL's own files on the hub."),
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Every term, formula, source.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Does one model fit on one kind of device, and how fast is it?

    No blueprint is needed. Exit code 3 when it does not fit, or a name is unknown.
    """
    question = Question(
        model, engine, on,
        _bytes(device_memory, "--device-memory"),
        _bytes(_rate(memory_bandwidth), "--memory-bandwidth"),
        {
            "engine_version": engine_version, "quant": quant, "kv_dtype": kv_dtype,
            "context": _tokens(context), "parallel": parallel, "batch": batch, "ubatch": ubatch,
            "tp": tp, "pp": pp, "gpu_memory_utilization": gpu_memory_utilization,
            "adapters": adapters, "adapter_rank": adapter_rank, "eager": eager,
            "gpu_layers": gpu_layers, "cpu_moe": cpu_moe, "flash_attention": flash_attention,
            "unified": unified, "swa_full": swa_full, "mla": mla,
            "attention_batch": attention_batch, "threads": threads, "depth": depth,
            "experts_per_token": experts_per_token,
            "host_memory_bytes": _bytes(ram, "--ram"), "expert_parallel": expert_parallel,
            "draft": draft, "draft_tokens": draft_tokens, "images": images,
            "prompt_cache_bytes": _bytes(cache_ram, "--cache-ram") or 0,
        },
        _local_devices(on),
        yarn,
        _bytes(_rate(cpu), "--cpu") if cpu and cpu.endswith("/s") else cpu,
    )  # fmt: skip
    _answer(question, _files(question, from_hub=from_hub), explain=explain, format=format)


def _local_devices(on: str) -> tuple[LocalDevice, ...]:
    if on.strip().lower() != "local":
        return ()
    from planner.sources.local_devices import read_local_devices

    return read_local_devices()


def _files(question: Question, *, from_hub: bool) -> ModelFiles | None:
    if not from_hub:
        from planner.sources.model_files import read_model_files

        return read_model_files(question.model)
    from planner.sources.hub import hub_address
    from planner.sources.hub_headers import read_hub_model

    return read_hub_model(hub_address(), question.model, question.options.get("quant"))


def _answer(question: Question, files: ModelFiles | None, *, explain: bool, format: Format) -> None:
    from planner.sizing.advice import advise, can_be_helped
    from planner.sizing.changes import changes
    from planner.sizing.size import UnknownKvType, UnknownQuantization, size
    from planner.sources.catalogue import PackagedCatalogue
    from planner.views.fit import draw_report, report_json

    asked = ask(question, PackagedCatalogue(), files)
    try:
        report = size(asked.request)
        advice = (*changes(asked.request, report), *advise(asked.request, report))
        if not report.fits and report.devices and can_be_helped(asked.request, report):
            advice += _to_rent(asked.request)
    except (UnknownQuantization, UnknownKvType, ValueError) as wrong:
        raise UsageError(str(wrong)) from wrong
    said = (*asked.notes, *report.diagnostics, *advice)
    report = replace(report, fits=report.fits and not has_errors(asked.notes), diagnostics=said)
    if format is Format.JSON:
        write_json(report_json(report))
    else:
        from planner.views.terminal import stdout_style

        write(draw_report(replace(report, diagnostics=()), stdout_style(), explain=explain))
        tell(report.diagnostics)
    if not report.fits:
        raise typer.Exit(3)


def _to_rent(request: SizeRequest) -> tuple[Diagnostic, ...]:
    from datetime import date

    from planner.cost.advice import offer_to_rent
    from planner.cost.prices import CataloguePrices
    from planner.sources.catalogue import PackagedCatalogue

    reader = PackagedCatalogue()
    return offer_to_rent(request, CataloguePrices(reader), reader, date.today())


def _rate(text: str | None) -> str | None:
    return text.removesuffix("/s") if text else None


def _bytes(text: str | None, flag: str) -> int | None:
    from planner.units import parse_bytes

    if text is None:
        return None
    try:
        return parse_bytes(text)
    except ValueError as wrong:
        raise UsageError(f"{flag}: {wrong}") from wrong


def _tokens(text: str | None) -> int | None:
    from planner.units import parse_tokens

    if text is None:
        return None
    try:
        return parse_tokens(text)
    except ValueError as wrong:
        raise UsageError(f"--context: {wrong}") from wrong
