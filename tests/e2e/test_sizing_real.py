"""What a real llama-server reserves for files of real shapes, against the terms of ``planner fit``.

The weights are holes, the headers are true: model, KV and state buffers must be equal to what
planner says, compute buffers within a stated bound.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from planner.sizing.engines_memory.llama_cpp import LATEST
from tests.helpers.llama_log import reserved_buffers
from tests.helpers.sparse_gguf import write_sparse_gguf
from tests.sizing.models import architecture, mib_on_host, report

pytestmark = [pytest.mark.farm, pytest.mark.slow]

# small presets where the model is large: the server reads a file's pages ahead, holes and all
MODELS: Final = {
    "dense": ("meta-llama/Llama-3.1-8B-Instruct", "Q4_K_M"),
    "dense-tied": ("Qwen/Qwen3-4B", "Q6_K"),
    "experts": ("Qwen/Qwen3-30B-A3B", "Q2_K"),
    "window": ("google/gemma-3-12b-it", "Q3_K_M"),
    "window-small": ("google/gemma-3-4b-it", "IQ4_XS"),
    "latent": ("deepseek-ai/DeepSeek-V2-Lite", "Q4_K_M"),
    "sinks": ("openai/gpt-oss-20b", "MXFP4_MOE"),
    "linear": ("Qwen/Qwen3.5-9B", "Q5_K_M"),
    "linear-experts": ("Qwen/Qwen3.5-35B-A3B", "IQ2_XXS"),
}
# Compute buffers follow the graph's tensors; an allocator's gaps and a quantized cache's scratch
# are not counted.
COMPUTE: Final = 0.05
PRINTED: Final = 0.011  # MiB with two decimals, over the buffers that are summed


@dataclass(frozen=True)
class Setting:
    """What is asked of the server, and the same of planner."""

    name: str
    arguments: tuple[str, ...]
    options: dict[str, Any] = field(hash=False)


def _setting(name: str, words: str, **options: Any) -> Setting:
    return Setting(name, tuple(words.split()), options)


SETTINGS: Final = (
    _setting("one-slot", "-c 4096 -np 1", context=4096, parallel=1),
    _setting("default-slots", "-c 4096", context=4096),
    _setting("four-slots", "-c 8192 -np 4", context=8192, parallel=4),
    _setting(
        "shared-cache", "-c 8192 -np 4 --kv-unified", context=8192, parallel=4, unified=True
    ),
    _setting("odd-slots", "-c 8000 -np 3", context=8000, parallel=3),
    _setting(
        "quantized-cache", "-c 4096 -np 1 -fa on -ctk q8_0 -ctv q8_0",
        context=4096, parallel=1, kv_dtype="q8_0",
    ),
    _setting(
        "mixed-cache", "-c 4096 -np 2 -fa on -ctk q8_0 -ctv q4_0",
        context=4096, parallel=2, kv_dtype="q8_0,q4_0",
    ),
    _setting(
        "no-flash", "-c 4096 -np 1 -fa off", context=4096, parallel=1, flash_attention=False
    ),
    _setting("small-batch", "-c 4096 -np 2 -ub 128", context=4096, parallel=2, ubatch=128),
    _setting("whole-windows", "-c 8000 -np 3 --swa-full", context=8000, parallel=3, swa_full=True),
    _setting(
        "long-large-batch", "-c 12288 -np 1 -ub 1024", context=12_288, parallel=1, ubatch=1024
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def root(llama_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The archive's root folder, unpacked, with a folder for models."""
    folder = tmp_path_factory.mktemp("llama")
    with tarfile.open(llama_archive) as archive:
        archive.extractall(folder, filter="tar")
    (folder / "models").mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, root: Path) -> Iterator[tuple[str, str, str]]:
    """A file in the root folder: its path there, the model's name and the preset."""
    name, preset = MODELS[request.param]
    inside = f"/models/{request.param}.gguf"
    path = write_sparse_gguf(root / inside.lstrip("/"), architecture(name), preset)
    yield inside, name, preset
    path.unlink()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_buffers_are_those_that_planner_counts(
    root: Path, model: tuple[str, str, str], setting: Setting
) -> None:
    path, name, preset = model
    if setting.name == "mixed-cache" and architecture(name).latent_heads:
        with pytest.raises(AssertionError, match=r"different K .* and V .* cache types"):
            reserved_buffers(root, path, setting.arguments)
        refused = report(name, "llama.cpp", quant=preset, **setting.options)
        assert not refused.fits
        return
    real = reserved_buffers(root, path, setting.arguments)
    said = report(name, "llama.cpp", quant=preset, engine_version=LATEST, **setting.options)
    assert mib_on_host(said, "weights") == pytest.approx(real.model, abs=PRINTED)
    assert mib_on_host(said, "kv_cache") == pytest.approx(real.kv, abs=2 * PRINTED)
    computed = real.compute + real.output
    assert mib_on_host(said, "activations") == pytest.approx(computed, rel=COMPUTE)
