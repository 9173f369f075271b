"""What llmfit and hf-mem say of a model: each asked in its own environment, in its own units."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from planner.units import GIB

LLMFIT: Final = "llmfit==1.1.17"
HF_MEM: Final = "hf-mem==0.5.6"
_GB: Final = 1_000_000_000
_SECONDS: Final = 60

# hf-mem reads a config from the hub; here its own function gets the same config
_KV: Final = """\
import json, sys, warnings
warnings.simplefilter("ignore")
from hf_mem.safetensors.kv_cache import compute_safetensors_kv_cache_size
found = []
for config, tokens in json.load(sys.stdin):
    try:
        found.append(compute_safetensors_kv_cache_size(
            config=config, cache_dtype="BF16", max_model_len=tokens, batch_size=1))
    except Exception:
        found.append(None)
json.dump(found, sys.stdout)
"""


class Plan(NamedTuple):
    """llmfit's answer in bytes and tokens a second."""

    weights: float
    kv: float
    decode: float | None


def install(folder: Path) -> Path:
    """Both tools in an environment of their own. Returns its folder of programs."""
    programs = folder / "bin"
    if not (programs / "llmfit").exists():
        print(f"installing {LLMFIT} and {HF_MEM} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", LLMFIT, HF_MEM]
        subprocess.run(pip, check=True)
    return programs


def hf_mem_kv(programs: Path, asked: Sequence[tuple[Mapping[str, Any], int]]) -> list[float | None]:
    """Bytes of a 16-bit KV cache for each config and number of tokens; None where it fails."""
    questions = [(_language(config), tokens) for config, tokens in asked]
    done = subprocess.run(
        [str(programs / "python"), "-c", _KV], input=json.dumps(questions), text=True,
        capture_output=True, check=True, timeout=_SECONDS,
    )  # fmt: skip
    return list(json.loads(done.stdout))


def _language(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a multimodal config that it reads too."""
    return {**config, **(config.get("text_config") or {})}


def profile(folder: Path, name: str, bandwidth: int, flops: int | None) -> Path:
    """A hardware profile for llmfit with the figures that planner uses."""
    hardware = {
        "total_ram_gb": 512,
        "unified_memory": False,
        "gpu_memory_bandwidth_gbps": bandwidth / _GB,
        **({"gpu_compute_tflops_fp16": flops / 1e12} if flops else {}),
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"name": name, "schema_version": 1, "hardware": hardware}))
    return path


def llmfit_plan(
    programs: Path, model: str, quant: str, tokens: int, hardware: Path | None = None
) -> Plan | None:
    """Its weights (decimal GB), the KV that ``tokens`` add (GiB), and its decode speed on a card.

    None for a model or quantization that it does not know.
    """
    whole = _ask(programs, model, quant, max(tokens, 1), hardware)
    bare = _ask(programs, model, quant, 1, hardware)
    if whole is None or bare is None:
        return None
    added = whole["minimum"]["vram_gb"] - bare["minimum"]["vram_gb"]
    speeds = (path["estimated_tps"] for path in whole["run_paths"] if path["path"] == "gpu")
    return Plan(whole["disk_size_gb"] * _GB, added * GIB, next(speeds, None))


def _ask(
    programs: Path, model: str, quant: str, tokens: int, hardware: Path | None
) -> dict[str, Any] | None:
    words = [str(programs / "llmfit"), "--json"]
    words += ["--profile", str(hardware)] if hardware else []
    words += ["plan", model, "--quant", quant, "--context", str(tokens)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and "disk_size_gb" in answer else None
