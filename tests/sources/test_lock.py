"""planner.lock: what moving names meant, asked once, kept, and held against later blueprints."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from planner import locking, workflows
from planner.errors import BlueprintInvalid, UsageError
from planner.pins import FilePin, HubFile, HubPin, Pins
from planner.render.bundle import ArtifactKind
from planner.sources.hub import pin_repository
from planner.sources.lock_file import read_lock, write_lock
from planner.sources.registry import parse_reference, pin_image
from tests.helpers.hub import COMMIT, DIGEST, stand_in

WEIGHTS = b"weights" * 100
REPOSITORIES = {
    "Qwen/Qwen3-8B": {
        "model.safetensors": WEIGHTS,
        "config.json": b"{}",
        "pytorch_model.bin": b"pickle",
        "README.md": b"read me",
    },
    "acme/pickled": {"pytorch_model.bin": b"pickle"},
}
BLUEPRINT = """\
planner: 1
project: home
hosts:
  box: {address: me@192.168.1.10, gpus: [rtx-4090], ram: 64GiB}
models:
  chat: {source: Qwen/Qwen3-8B, engine: vllm, context: 8k, image: "REGISTRY/acme/engine:v1"}
"""


@pytest.fixture
def blueprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "farm.yaml"
    path.write_text(BLUEPRINT)
    return path


def test_a_lock_pins_commit_files_and_digest(
    blueprint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stand_in(REPOSITORIES) as (server, _):
        monkeypatch.setenv("HF_ENDPOINT", f"http://{server}")
        blueprint.write_text(BLUEPRINT.replace("REGISTRY", server))
        locked = locking.lock(blueprint)
    assert locked.path == blueprint.parent / "planner.lock"
    pin = locked.pins.models["Qwen/Qwen3-8B"]
    assert pin.commit == COMMIT
    assert {file.name for file in pin.files} == {"model.safetensors", "config.json"}
    assert locked.pins.images == {f"{server}/acme/engine:v1": f"{server}/acme/engine@{DIGEST}"}

    rendered = workflows.render(workflows.validate(blueprint, headers=True))
    kinds = {artifact.kind: artifact for artifact in rendered.bundle.hosts[0].artifacts}
    weights = kinds[ArtifactKind.HUB_FILES]
    assert weights.revision == COMMIT
    assert set(weights.files) == {"model.safetensors", "config.json"}
    assert dict(weights.hashes)["model.safetensors"]
    assert kinds[ArtifactKind.REGISTRY_IMAGE].source.endswith(DIGEST)
    assert not [item for item in rendered.diagnostics if item.severity == "error"]


def test_what_is_pinned_stays_and_costs_no_question(
    blueprint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stand_in(REPOSITORIES) as (server, log):
        monkeypatch.setenv("HF_ENDPOINT", f"http://{server}")
        blueprint.write_text(BLUEPRINT.replace("REGISTRY", server))
        first = locking.lock(blueprint)
        text = first.path.read_text()
        log.clear()
        second = locking.lock(blueprint)
        assert second.moved == ()
        assert second.path.read_text() == text
        assert log == []
        locking.lock(blueprint, upgrade=True)
        assert log


def test_a_gated_model_is_asked_for_with_the_token_that_the_blueprint_names(
    blueprint: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    kept = tmp_path / "token"
    kept.touch(mode=0o600)
    kept.write_text("hf_of_mine\n")
    with stand_in(REPOSITORIES, token="hf_of_mine") as (server, _):
        monkeypatch.setenv("HF_ENDPOINT", f"http://{server}")
        text = BLUEPRINT.replace("REGISTRY", server)
        blueprint.write_text(text)
        with pytest.raises(BlueprintInvalid, match="has no Qwen/Qwen3-8B"):
            locking.lock(blueprint)
        gated = text.replace("engine: vllm", "engine: vllm, hub_token: secret:hub")
        blueprint.write_text(gated + "secrets: {hub: {file: token}}\n")
        locked = locking.lock(blueprint)
        assert locked.pins.models["Qwen/Qwen3-8B"].commit == COMMIT
        assert "hf_of_mine" not in locked.path.read_text()
        kept.unlink()
        locked.path.unlink()
        with pytest.raises(BlueprintInvalid, match="token 'hub' cannot be read") as fault:
            locking.lock(blueprint)
        assert fault.value.diagnostics


def test_without_a_lock_render_says_how_to_pin(blueprint: Path) -> None:
    found = workflows.render(workflows.validate(blueprint, headers=True)).diagnostics
    advice = [item.advice or "" for item in found if item.severity == "error"]
    assert advice
    assert all("planner lock" in text for text in advice)


def test_a_pin_of_another_commit_than_written_does_not_count() -> None:
    pin = HubPin("a/b", COMMIT, (HubFile("x.gguf", 1, None),))
    pins = Pins(models={"a/b": pin})
    assert pins.model("a/b", None) is pin
    assert pins.model("a/b", COMMIT) is pin
    assert pins.model("a/b", "f" * 40) is None


def test_pickled_weights_are_refused() -> None:
    with (
        stand_in(REPOSITORIES) as (server, _),
        pytest.raises(BlueprintInvalid, match="no safetens"),
    ):
        pin_repository(f"http://{server}", "acme/pickled", None)


def test_weights_converted_for_faster_whisper_are_taken_and_nothing_that_looks_like_them() -> None:
    converted = {
        "model.bin": b"ct2",
        "config.json": b"{}",
        "vocabulary.txt": b"",
        "README.md": b"#",
    }
    pickled = {"model.bin": b"\x80", "config.json": b"{}", "README.md": b"#"}
    with stand_in({"acme/ears": converted, "acme/no": pickled}) as (server, _):
        pin = pin_repository(f"http://{server}", "acme/ears", None)
        assert {file.name for file in pin.files} == set(converted)
        with pytest.raises(BlueprintInvalid, match="no safetens"):
            pin_repository(f"http://{server}", "acme/no", None)


def test_unknown_names_and_silent_servers_are_said() -> None:
    with stand_in(REPOSITORIES) as (server, _):
        with pytest.raises(BlueprintInvalid, match="no acme/none"):
            pin_repository(f"http://{server}", "acme/none", None)
        with pytest.raises(BlueprintInvalid, match="no image"):
            pin_image(f"{server}/acme/engine:v2")
    with pytest.raises(UsageError, match="does not answer"):
        pin_repository(f"http://{server}", "acme/none", None)


def test_the_file_survives_a_round_trip_and_names_its_damage(tmp_path: Path) -> None:
    pins = Pins(
        {"a/b": HubPin("a/b", COMMIT, (HubFile("x.gguf", 7, "ab"), HubFile("y.json", 1)))},
        {"x:1": "x@sha256:ab"},
        {"./m.gguf": FilePin("cd", 9)},
    )
    path = write_lock(tmp_path, pins)
    assert read_lock(tmp_path) == pins
    assert read_lock(tmp_path / "elsewhere") == Pins()
    for broken in ("", "[]", "{}", json.dumps({"planner-lock": 2})):
        path.write_text(broken)
        with pytest.raises(BlueprintInvalid, match="lock file"):
            read_lock(tmp_path)


def test_a_file_that_is_not_here_is_known_by_its_pin(blueprint: Path) -> None:
    blueprint.write_text(
        "planner: 1\nproject: home\nhosts: {box: {address: a@b}}\nmodels: {m: {source: ./m.gguf}}\n"
    )
    write_lock(blueprint.parent, Pins(files={"./m.gguf": FilePin("ab" * 32, 9)}))
    farm = workflows.require(workflows.validate(blueprint))
    assert farm.models[0].weights is not None
    assert farm.models[0].weights.sha256 == "ab" * 32


def test_a_private_registry_is_asked_with_the_login_of_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stand_in(REPOSITORIES) as (server, log):
        logins = {server: {"auth": base64.b64encode(b"me:secret").decode()}}
        (tmp_path / "config.json").write_text(json.dumps({"auths": logins}))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        assert pin_image(f"{server}/acme/engine:v1").endswith(DIGEST)
        assert "login me:secret" in log
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
        log.clear()
        assert pin_image(f"{server}/acme/engine:v1").endswith(DIGEST)
        assert not [line for line in log if line.startswith("login")]


@pytest.mark.parametrize(
    ("text", "registry", "name", "tag"),
    [
        ("redis", "docker.io", "library/redis", "latest"),
        ("vllm/vllm-openai:v0.29.0", "docker.io", "vllm/vllm-openai", "v0.29.0"),
        ("ghcr.io/a/b/c:1", "ghcr.io", "a/b/c", "1"),
        ("localhost:5000/x:y", "localhost:5000", "x", "y"),
    ],
)
def test_references_are_read_as_docker_reads_them(
    text: str, registry: str, name: str, tag: str
) -> None:
    found = parse_reference(text)
    assert (found.registry, found.name, found.tag) == (registry, name, tag)


OWN = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
    "intermediate_size": 128, "vocab_size": 1000, "max_position_embeddings": 4096,
    "tie_word_embeddings": True, "torch_dtype": "bfloat16",
}  # fmt: skip
OWN_BLUEPRINT = """\
planner: 1
project: home
hosts: {box: {address: me@192.168.1.10, gpus: [rtx-4090], ram: 64GiB, disk: 1TB}}
models:
  own: {source: acme/my-finetune, engine: vllm, image: "REGISTRY/acme/engine:v1", context: 2k}
"""


def test_a_model_that_nothing_here_knows_is_sized_by_the_config_that_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "home.yaml"
    path.write_text(OWN_BLUEPRINT)
    unknown = workflows.validate(path)
    [refused] = [item for item in unknown.diagnostics if item.severity == "error"]
    assert "planner lock" in (refused.advice or "")
    weights = bytes(600_000)
    files = {"config.json": json.dumps(OWN).encode(), "model.safetensors": weights}
    with stand_in({"acme/my-finetune": files}) as (server, log):
        monkeypatch.setenv("HF_ENDPOINT", f"http://{server}")
        path.write_text(OWN_BLUEPRINT.replace("REGISTRY", server))
        locked = locking.lock(path)
        assert locked.pins.models["acme/my-finetune"].config == OWN
        assert not any("safetensors" in line for line in log)  # weights are never asked for
        log.clear()
        locking.lock(path)
        assert log == []
    assert read_lock(tmp_path) == locked.pins
    sized = workflows.size(workflows.validate(path))
    assert sized.fits
    [replica] = sized.placement.replicas
    terms = {term.name: term.bytes for term in replica.report.devices[0].terms}
    # the bytes of the files, not those that the config alone would give; and the rotary table
    assert 600_000 <= terms["weights"] < 1_200_000
    assert replica.report.kv_bytes_per_token == 2 * 2 * 2 * 16 * 2
