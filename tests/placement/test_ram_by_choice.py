"""Why a replica on a host with cards runs from RAM: by choice, or because no card has room."""

from __future__ import annotations

from pathlib import Path

from planner import workflows

EMBED = "emb: {source: BAAI/bge-m3, quant: Q8_0, task: embedding, engine: llama.cpp, on: box}"
CHAT = "chat: {source: Qwen/Qwen3-8B, quant: fp8, context: 32k, engine: vllm, on: box}"


def reasons(folder: Path, *models: str) -> dict[str, str]:
    path = folder / "home.yaml"
    lines = "\n".join(f"  {model}" for model in models)
    path.write_text(
        "planner: 1\nproject: home\n"
        "hosts: {box: {address: me@192.168.1.10, gpus: [rtx-4090], ram: 64GiB, disk: 1TB}}\n"
        f"models:\n{lines}\n"
    )
    placement = workflows.size(workflows.validate(path)).placement
    return {replica.model.name: replica.reason for replica in placement.replicas}


def test_an_empty_card_is_not_said_to_lack_room(tmp_path: Path) -> None:
    assert reasons(tmp_path, EMBED)["emb"].endswith("(from RAM: its cards stay free for others)")


def test_a_full_card_is(tmp_path: Path) -> None:
    found = reasons(tmp_path, EMBED, CHAT)
    assert found["emb"].endswith("(from RAM: no card has room)")
    assert "RAM" not in found["chat"]
