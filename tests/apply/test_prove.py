"""Whether an engine is as it was told: asked after a start, and of each adapter that changes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from planner.apply.events import OperationProgress
from planner.diff.values import LoadAdapter
from planner.engines.api.values import Setting
from planner.errors import ApplyFailed, ApplyFailedServing
from planner.remote.fake import FakeHost
from planner.remote.transport import HttpAnswer, HttpRequest
from planner.render.bundle import Bundle, ServedAdapter, Workload
from tests.apply.fakes import FakeFarm
from tests.diff.examples import bundle, host_bundle, workload
from tests.helpers.vllm_server import Vllm

CONTEXT = Setting("context", "4096", "models.chat.context", least=True)
CACHE = Setting("kv_dtype", "fp8", "models.chat.kv_dtype")
QUANT = Setting("quantization", "fp8", "models.chat.quant")


def vllm(
    name: str = "chat-0", digest: str = "same", *settings: Setting, **adapters: str
) -> Workload:
    rows = tuple(ServedAdapter(*pair) for pair in adapters.items())
    return replace(
        workload(name, digest), engine="vllm", settings=settings, adapters=rows, hot=True
    )


def answering(server: Vllm) -> FakeHost:
    """A host whose port answers as vLLM does."""

    def answer(request: HttpRequest) -> HttpAnswer:
        status, body = server.answer(request.path, json.loads(request.body or "null"))
        return HttpAnswer(status, (body if isinstance(body, str) else json.dumps(body)).encode())

    return FakeHost(answers=answer)


@pytest.fixture
def server() -> Vllm:
    return Vllm("chat", 4096, {}, cache="fp8", exists=False)


@pytest.fixture
def farm(server: Vllm) -> FakeFarm:
    return FakeFarm({"box": answering(server)})


def one(*workloads: Workload) -> Bundle:
    return bundle(host_bundle(*workloads))


def test_what_an_engine_does_not_tell_is_said(farm: FakeFarm) -> None:
    assert farm.apply(one(vllm("chat-0", "same", CONTEXT, CACHE, QUANT))).exit_code == 0
    said = [event.text for event in farm.events if isinstance(event, OperationProgress)]
    assert said[-1] == "does not tell quantization"


def test_a_setting_that_took_no_effect_fails_the_first_apply(farm: FakeFarm, server: Vllm) -> None:
    server.context = 2048
    result = farm.apply(one(vllm("chat-0", "same", CONTEXT, CACHE)))
    (problem,) = result.errors
    assert isinstance(problem, ApplyFailed)
    assert result.exit_code == 9
    assert problem.cause == "context: models.chat.context asks for 4096 or more, vllm says 2048"
    assert "models.chat.extra_args" in (problem.advice or "")
    assert "models.chat.context" in (problem.advice or "")
    # nothing changed since, and still it is not as it was told: another apply says so again
    again = farm.plan(one(vllm("chat-0", "same", CONTEXT, CACHE)))
    (verify,) = again.operations
    assert verify.cause.startswith(
        "since its start it was not seen to be as it was told; it has to answer"
    )
    assert again.kept == {"box": ("chat-0",)}
    result = farm.apply(one(vllm("chat-0", "same", CONTEXT, CACHE)))
    assert result.exit_code == 8
    server.context = 4096
    assert farm.apply(one(vllm("chat-0", "same", CONTEXT, CACHE))).errors == ()
    assert farm.plan(one(vllm("chat-0", "same", CONTEXT, CACHE))).empty


def test_of_a_new_workload_beside_one_that_serves_it_leaves_that_one(
    farm: FakeFarm, server: Vllm
) -> None:
    assert farm.apply(one(vllm("code-0"))).exit_code == 0
    server.cache = "auto"
    result = farm.apply(one(vllm("code-0"), vllm("chat-0", "same", CACHE)))
    assert isinstance(result.errors[0], ApplyFailedServing)
    assert result.exit_code == 8
    assert "kv_dtype: models.chat.kv_dtype asks for fp8, vllm says auto" in (
        result.errors[0].cause or ""
    )


def test_an_adapter_is_loaded_and_nothing_restarts(farm: FakeFarm, server: Vllm) -> None:
    server.adapters = {"calm": "/a/1"}
    farm.apply(one(vllm(calm="/a/1")))
    host = farm.hosts["box"]
    before = host.workloads["chat-0"].identity
    result = farm.apply(one(vllm(calm="/a/9", loud="/a/2")))
    assert result.errors == ()
    assert server.adapters == {"calm": "/a/9", "loud": "/a/2"}
    assert server.calls == [
        ("/v1/load_lora_adapter", {"lora_name": "calm", "lora_path": "/a/9", "load_inplace": True}),
        ("/v1/load_lora_adapter", {"lora_name": "loud", "lora_path": "/a/2"}),
    ]
    assert farm.apply(one(vllm(loud="/a/2"))).errors == ()
    assert server.adapters == {"loud": "/a/2"}
    assert host.workloads["chat-0"].identity == before
    assert farm.plan(one(vllm(loud="/a/2"))).empty


def test_an_engine_that_refuses_keeps_its_release_and_a_second_run_goes_on(
    farm: FakeFarm, server: Vllm
) -> None:
    farm.apply(one(vllm()))
    server.updating = False
    wanted = one(vllm(loud="/a/2"))
    result = farm.apply(wanted)
    (problem,) = result.errors
    assert isinstance(problem, ApplyFailedServing)
    assert "HTTP 404" in (problem.cause or "")
    # the release that says what is served is not the current one, so the next plan knows
    assert [step.kind for step in farm.plan(wanted).operations if step.kind == "load"] == ["load"]
    server.updating = True
    assert farm.apply(wanted).errors == ()
    assert server.adapters == {"loud": "/a/2"}


def test_one_that_says_yes_and_does_nothing_is_found_out(farm: FakeFarm, server: Vllm) -> None:
    farm.apply(one(vllm()))
    server.deaf = True
    (problem,) = farm.apply(one(vllm(loud="/a/2"))).errors
    assert problem.cause == "asked for adapter loud at /a/2; vllm says nothing of it"


def test_what_an_earlier_run_loaded_is_not_loaded_again(farm: FakeFarm, server: Vllm) -> None:
    farm.apply(one(vllm()))
    with farm.connections() as connections:
        plan = farm.plan(one(vllm(loud="/a/2")), connections)
        server.adapters = {"loud": "/a/2"}
        assert any(isinstance(step, LoadAdapter) for step in plan.operations)
        assert farm.execute(plan, connections).errors == ()
    assert server.calls == []


def test_a_missing_adapter_after_a_start_is_a_fault(farm: FakeFarm, server: Vllm) -> None:
    told = Setting("adapter loud", "/a/2", "models.chat.adapters")
    (problem,) = farm.apply(one(vllm("chat-0", "same", told))).errors
    assert "adapter loud: models.chat.adapters asks for /a/2, vllm says nothing of it" in (
        problem.cause or ""
    )
    assert server.calls == []


def test_a_version_that_replaces_none_gives_one_up_first(farm: FakeFarm, server: Vllm) -> None:
    server.adapters, server.inplace = {"calm": "/a/1"}, False
    farm.apply(one(vllm(calm="/a/1")))
    assert farm.apply(one(vllm(calm="/a/9"))).errors == ()
    assert server.adapters == {"calm": "/a/9"}
    assert [path for path, _ in server.calls] == [
        "/v1/load_lora_adapter",
        "/v1/unload_lora_adapter",
        "/v1/load_lora_adapter",
    ]
