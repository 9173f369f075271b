"""A model from a hub: pinned here, fetched by the host itself at that commit, and served."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from planner import deployment, locking
from tests.farm.control import Farm, Host
from tests.farm.layout import GATEWAY
from tests.helpers.hub import COMMIT, stand_in

pytestmark = pytest.mark.farm

BLUEPRINT = """\
planner: 1
project: hub
hosts: {{box: {{address: "root@{address}", ram: 4GiB}}}}
models:
  tiny:
    source: acme/tiny/tiny.gguf
    footprint: 200MB
    engine: llama.cpp
    image: {{archive: {archive}}}
    context: 1k
    parallel: 1
    expose: lan
"""


def test_a_pinned_file_is_fetched_by_the_host_and_answers(
    farm: Farm,
    docker_host: Host,
    llama_archive: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLANNER_KNOWN_HOSTS", str(farm.known_hosts))
    monkeypatch.setenv("PLANNER_IDENTITY", str(farm.key))
    path = tmp_path / "hub.yaml"
    path.write_text(BLUEPRINT.format(address=docker_host.address, archive=llama_archive))
    repositories = {"acme/tiny": {"tiny.gguf": tiny_model.read_bytes(), "config.json": b"{}"}}
    with stand_in(repositories, GATEWAY) as (server, asked):
        monkeypatch.setenv("HF_ENDPOINT", f"http://{server}")
        locking.lock(path)
        with deployment.planning(path) as planned:
            kinds = {step.kind for step in planned.plan.operations}
            assert {"fetch", "push", "start"} <= kinds
            result = deployment.carry_out(planned, lambda event: None, "apply")
            assert result.exit_code == 0, result.errors
            url = f"http://{planned.replicas[0].bind}:{planned.replicas[0].port}"
        assert f"/acme/tiny/resolve/{COMMIT}/tiny.gguf" in asked
        asked.clear()
        try:
            body = json.dumps({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4})
            question = urllib.request.Request(
                f"{url}/v1/chat/completions", body.encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(question, timeout=60) as answer:
                assert json.load(answer)["choices"]
            with deployment.planning(path) as planned:
                assert planned.plan.empty
            assert asked == []
        finally:
            with deployment.clearing(path) as planned:
                cleared = deployment.carry_out(planned, lambda event: None, "destroy")
        assert cleared.exit_code == 0
