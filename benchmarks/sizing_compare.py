"""planner's figures beside those of llmfit and hf-mem, for cases that engines logged.

    python -m benchmarks.sizing_compare CASES.jsonl ... [--environment FOLDER]

CASES holds one measured case a line. Three figures that all or two of them give are compared: the
size of a GGUF file, llama.cpp's KV buffer (16 bit), and tokens a second of one card. A tool's error
is counted only where it answers; how often it does stands beside it. llmfit adds GB of weights to
GiB of cache: both are taken as what they turn out to be. hf-mem reads configs and headers from the
hub: its KV function gets the catalogue's config, and weights are left out, since the header that it
would read is the measured size itself.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.measure import CannotMeasure
from benchmarks.sizing_rivals import hf_mem_kv, install, llmfit_plan, profile
from planner.catalogue.find_model import find_model
from planner.catalogue.match import NotFound
from planner.catalogue.model import hugging_face_config
from planner.catalogue.shapes import find_shape
from planner.errors import PlannerError
from planner.sizing.ask import Question, ask
from planner.sizing.size import size
from planner.sizing.values import Processor, SizeReport, SizeRequest
from planner.sources.catalogue import PackagedCatalogue
from planner.units import GIB, MIB

TOOLS: Final = ("planner", "llmfit", "hf-mem")
_PRESET: Final = re.compile(r"Q\d_(0|K|K_[SML])|IQ\d_\w+|B?F16")
_READER: Final = PackagedCatalogue()


class Figure(NamedTuple):
    """One measured figure of a case and the request that asks for it."""

    measure: str
    real: float
    request: SizeRequest


class Row(NamedTuple):
    """A figure with what each tool says; None where it says nothing."""

    figure: Figure
    said: dict[str, float | None]


def figures(case: dict[str, Any]) -> Iterator[Figure]:
    """The figures of a case that can be compared."""
    measured = case.get("measured") or {}
    if "hardware" in case and case.get("kind") == "gpu" and case.get("tg_tps"):
        request = _request(case["model"], case["hardware"], quant=case.get("quant"))
        if request and len(request.devices) == 1:
            depth = case.get("n_ctx_depth")
            yield Figure("decode tokens/s", case["tg_tps"], replace(request, depth=depth))
    if "cache_k" not in case:
        return
    quant = case.get("gguf_quant")
    request = _request(case["model"], "rtx-4090", quant=quant)
    if request is None:
        return
    if measured.get("file_gib") and _PRESET.fullmatch(str(quant)):
        yield Figure("GGUF file", measured["file_gib"] * GIB, request)
    wide = {case["cache_k"] or "f16", case["cache_v"] or "f16"} == {"f16"}
    if measured.get("kv_mib") and case.get("n_ctx") and wide:
        asked = replace(
            request, context=case["n_ctx"], parallel=case.get("n_parallel"),
            ubatch=case.get("n_ubatch"), engine=_engine(case["engine"]),
        )  # fmt: skip
        yield Figure("KV buffer", measured["kv_mib"] * MIB, asked)


def _engine(name: str) -> str:
    return name if name == "ik_llama.cpp" else "llama.cpp"


def _request(model: str, device: str, *, quant: str | None) -> SizeRequest | None:
    question = Question(model, "llama.cpp", device, options={"quant": quant})
    try:
        request = ask(question, _READER).request
        size(request)
    except (PlannerError, ValueError):
        return None
    return request


def planner_says(figure: Figure) -> float | None:
    """planner's figure in bytes or tokens a second."""
    request = figure.request
    if figure.measure == "GGUF file":  # in RAM a tied embedding counts once, as in the file
        return _term(size(replace(request, devices=(), cpu=Processor("cpu"))), "weights")
    report = size(request)
    if figure.measure == "decode tokens/s":
        return report.decode.expected if report.decode else None
    return _term(report, "kv_cache")


def _term(report: SizeReport, name: str) -> float:
    places = [*(device.terms for device in report.devices), report.host.terms]
    return sum(term.bytes for terms in places for term in terms if term.name == name)


def hf_config(name: str) -> dict[str, Any] | None:
    """The config that hf-mem would find on the hub."""
    row = find_model(_READER, name)
    if not isinstance(row, NotFound):
        return hugging_face_config(row.row)
    shape = find_shape(_READER, name)
    return None if isinstance(shape, NotFound) else dict(shape.row.config)


def rows(cases: Iterator[dict[str, Any]], programs: Path, folder: Path) -> list[Row]:
    """Every comparable figure with all answers."""
    found = [Row(item, {"planner": planner_says(item)}) for case in cases for item in figures(case)]
    for row in found:
        request = row.figure.request
        card = request.devices[0]
        speed = row.figure.measure == "decode tokens/s"
        known = card.bandwidth if speed else None
        hardware = profile(folder, card.name, known, card.flops) if known else None
        tokens = request.depth if speed else request.context
        plan = llmfit_plan(programs, request.model, request.quant or "F16", tokens or 1, hardware)
        pick: dict[str, Callable[[Any], float | None]] = {
            "GGUF file": lambda p: p.weights,
            "KV buffer": lambda p: p.kv,
            "decode tokens/s": lambda p: p.decode,
        }
        row.said["llmfit"] = pick[row.figure.measure](plan) if plan else None
    _ask_hf_mem([row for row in found if row.figure.measure == "KV buffer"], programs)
    return found


def _ask_hf_mem(asked: list[Row], programs: Path) -> None:
    known = [(row, hf_config(row.figure.request.model)) for row in asked]
    having = [(row, config) for row, config in known if config]
    questions = [(config, row.figure.request.context or 0) for row, config in having]
    for (row, _), answer in zip(having, hf_mem_kv(programs, questions), strict=True):
        row.said["hf-mem"] = answer


def table(found: list[Row]) -> list[str]:
    """Median, 95th percentile and worst error of each tool, and how often it is exact."""
    lines = [
        f"{'measure':16} {'tool':8} {'answers':>9} {'median':>8} {'p95':>9} {'worst':>9} exact"
    ]
    for measure in dict.fromkeys(row.figure.measure for row in found):
        mine = [row for row in found if row.figure.measure == measure]
        for tool in TOOLS:
            errors = sorted(
                abs(said - row.figure.real) / row.figure.real
                for row in mine
                if (said := row.said.get(tool)) is not None
            )
            if errors:
                lines.append(f"{measure:16} {tool:8} {_numbers(errors, len(mine))}")
    return lines


def _numbers(errors: list[float], of: int) -> str:
    p95 = errors[min(len(errors) - 1, int(0.95 * len(errors)))]
    exact = sum(error < 0.0005 for error in errors)
    shares = " ".join(f"{100 * x:8.2f}%" for x in (statistics.median(errors), p95, errors[-1]))
    return f"{len(errors):4} of {of:3} {shares} {exact:4}"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="+", type=Path, help="files of measured cases")
    parser.add_argument("--environment", type=Path, help="folder for the other tools, kept")
    options = parser.parse_args()
    lines = [line for path in options.cases for line in path.read_text("utf-8").splitlines()]
    cases = (json.loads(line) for line in lines if line.strip())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        programs = install(options.environment or folder / "tools")
        found = rows(cases, programs, folder)
    if not found:
        raise CannotMeasure("no case holds a figure that can be compared")
    print("\n".join(table(found)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
