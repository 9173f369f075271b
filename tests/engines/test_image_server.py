"""Any other server: described by the blueprint, placed by what it says it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner import workflows

HOSTS = "hosts: {box: {address: me@10.0.0.2, gpus: [rtx-4090], ram: 64GiB, disk: 1TB}}"
IMAGE = f"odd.example/odd@sha256:{'ab' * 32}"


def found(tmp_path: Path, model: str) -> workflows.Validated:
    path = tmp_path / "farm.yaml"
    path.write_text(f"planner: 1\nproject: farm\n{HOSTS}\nmodels: {{odd: {model}}}\n")
    return workflows.validate(path)


def described(footprint: str, more: str = "") -> str:
    server = f"image: '{IMAGE}', footprint: {footprint}, server: {{port: 9}}"
    return f"{{source: someone/odd, {server}{more}}}"


def test_it_is_placed_by_its_footprint(tmp_path: Path) -> None:
    sized = workflows.size(found(tmp_path, described("6GiB", ", tensor_parallel: 1")))
    [replica] = sized.placement.replicas
    assert replica.model.engine == "image"
    assert replica.model.engine_why == "described by server"
    [device] = replica.report.devices
    assert (device.used_bytes, [term.name for term in device.terms]) == (6 << 30, ["footprint"])


def test_without_a_card_it_takes_ram(tmp_path: Path) -> None:
    [replica] = workflows.size(found(tmp_path, described("6GiB"))).placement.replicas
    assert not replica.devices
    assert replica.report.host.used_bytes == 6 << 30


def test_a_server_that_is_too_large_has_no_place(tmp_path: Path) -> None:
    assert not workflows.size(found(tmp_path, described("99GiB"))).fits


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("{source: a/odd, footprint: 1GiB, server: {port: 9}}", "nothing says what the server is"),
        (f"{{source: a/odd, image: '{IMAGE}', server: {{port: 9}}}}", "what the server takes"),
        (
            described("1GiB", ", engine: vllm"),
            "vllm is told by planner where it listens",
        ),
        (f"{{source: a/odd, engine: own, image: '{IMAGE}', footprint: 1GiB}}", "engine 'own'"),
    ],
)
def test_what_planner_cannot_know_must_be_said(tmp_path: Path, model: str, said: str) -> None:
    summaries = [item.summary for item in found(tmp_path, model).diagnostics]
    assert any(said in text for text in summaries), summaries
