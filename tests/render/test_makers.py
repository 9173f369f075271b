"""Only cards that rendered files hand over are promised to a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner import workflows

BLUEPRINT = """\
planner: 1
project: makers
hosts: {{box: {{address: me@10.0.0.2, gpus: [{gpu}], ram: 64GiB, disk: 1TB, runtime: {runtime}}}}}
models: {{chat: {{source: Qwen/Qwen3-8B, quant: Q4_K_M, engine: llama.cpp, context: 4k}}}}
"""


def refused(tmp_path: Path, gpu: str, runtime: str) -> list[str]:
    path = tmp_path / "makers.yaml"
    path.write_text(BLUEPRINT.format(gpu=gpu, runtime=runtime))
    rendered = workflows.render(workflows.validate(path))
    return [item.summary for item in rendered.diagnostics if "handed over" in item.summary]


@pytest.mark.parametrize("runtime", ["compose", "systemd"])
def test_a_card_of_another_maker_is_refused(tmp_path: Path, runtime: str) -> None:
    assert refused(tmp_path, "rx-7900-xtx", runtime) == ["cards of amd are not handed over yet"]


@pytest.mark.parametrize("runtime", ["compose", "systemd"])
def test_nvidia_s_are_not(tmp_path: Path, runtime: str) -> None:
    assert refused(tmp_path, "rtx-4090", runtime) == []
