"""Which tensors a real llama-server moves by a rule, against those that planner counts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from planner.sizing.engines_memory.llama_moved import pattern, tensor_name
from planner.sizing.gguf import tensor_types
from tests.helpers.llama_log import moved_tensors
from tests.helpers.sparse_gguf import write_sparse_gguf
from tests.sizing.models import architecture

pytestmark = [pytest.mark.farm, pytest.mark.slow]

MODELS = {"Qwen/Qwen3-30B-A3B": "Q2_K", "Qwen/Qwen3-4B": "Q4_K_M"}
RULES = (
    (r"\.ffn_(up|down|gate)_exps=CPU",),
    (r"blk\.(1|2[0-9])\.ffn_=CPU",),
    ("exps=CPU", r"attn_[qk]\.=CPU", r"^blk\.7\.=CPU", "output_norm=CPU"),
    (r"blk\.\d*[02468]\.attn_.*norm=CPU", r"ffn_gate_inp\.weight$=CPU"),
)


@pytest.mark.parametrize("name", MODELS)
def test_the_server_moves_what_planner_counts(
    name: str, llama_archive: Path, tmp_path: Path
) -> None:
    subprocess.run(["tar", "-xf", llama_archive, "-C", tmp_path], check=True)
    write_sparse_gguf(tmp_path / "model.gguf", architecture(name), MODELS[name])
    tensors = tensor_types(architecture(name), MODELS[name])
    names = {tensor_name(tensor, layer) for tensor, layer, _ in tensors}
    for rules in RULES:
        wanted = [found for rule in rules if (found := pattern(rule))]
        counted = {item for item in names if any(found.search(item) for found in wanted)}
        told = [word for rule in rules for word in ("--override-tensor", rule)]
        moved = moved_tensors(tmp_path, "/model.gguf", ["-c", "512", "-np", "1", *told])
        assert moved == counted, rules
