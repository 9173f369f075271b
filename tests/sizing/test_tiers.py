"""Adapters: tiers as engine settings, bytes of each tier, delays, and how many more roles fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import workflows
from planner.blueprint import schema
from planner.blueprint.schema import Tier
from planner.diagnostics import Severity
from planner.farm import FarmAdapter, FarmModel, ModelSource, SourceKind
from planner.sizing.adapters import RANKS, adapter_bytes
from planner.sizing.headroom import Headroom
from planner.sizing.tiers import (
    adapter_copy,
    check_tiers,
    cpu_slots,
    engine_settings,
    host_terms,
    served_rank,
    switches,
)
from planner.sizing.values import SizeRequest
from planner.views.headroom import headrooms_to_list, headrooms_to_text
from planner.views.terminal import Style
from planner.workflows import Sized
from tests.sizing.models import architecture, card

BASE = "Qwen/Qwen3-8B"
SLOT = 87_293_952  # every linear of it at rank 16, in 16 bit


def carrying(engine: str, *adapters: FarmAdapter, slots: int | None = None) -> FarmModel:
    written = {item.name: item.tier.value for item in adapters}
    spec = schema.Model.model_validate({"source": BASE, "adapters": written})
    on_device = sum(item.tier is Tier.VRAM for item in adapters)
    ranks = [item.rank for item in adapters if item.rank]
    source = ModelSource(SourceKind.HUB, BASE)
    return FarmModel(
        "chat", spec, source, None, None, engine, "as written", 4096,
        adapter_slots=max(1, on_device) if slots is None else slots,
        adapter_rank=max(ranks, default=None), adapters=adapters,
    )  # fmt: skip


def request(**options: Any) -> SizeRequest:
    return SizeRequest(BASE, architecture(BASE), "vllm", devices=(card(24),), **options)


CORE = FarmAdapter("core", Tier.VRAM, 24)
SPORT = FarmAdapter("sport", Tier.RAM, 16)
ARCHIVE = FarmAdapter("archive", Tier.DISK, 8)


def values(model: FarmModel) -> dict[str, str]:
    return {item.name: item.value for item in engine_settings(model)}


def test_tiers_become_settings_of_vllm() -> None:
    assert values(carrying("vllm", CORE, SPORT, ARCHIVE)) == {
        "enable_lora": "true",
        "max_loras": "1",
        "max_lora_rank": "32",
        "max_cpu_loras": "3",
        "lora_modules": "core,sport,archive",
    }
    reason = {s.name: s.why for s in engine_settings(carrying("vllm", CORE))}["max_lora_rank"]
    assert "rounded up from 24" in reason


def test_tiers_become_settings_of_other_engines() -> None:
    assert values(carrying("sglang", CORE, SPORT)) == {
        "max_loras_per_batch": "1",
        "max_lora_rank": "24",
        "max_loaded_loras": "2",
        "lora_paths": "core,sport",
    }
    assert values(carrying("llama.cpp", CORE, SPORT))["lora-scaled"] == "core,sport"
    assert values(carrying("vllm")) == {}


def test_copies_in_ram_hold_what_lives_on_the_device_too() -> None:
    first = FarmAdapter("a", Tier.VRAM, 16)
    (term,) = host_terms(carrying("vllm", first, SPORT), request())
    assert adapter_bytes(architecture(BASE), 16) == SLOT
    assert term.bytes == 2 * SLOT
    (passing,) = host_terms(carrying("vllm", first, FarmAdapter("late", Tier.DISK, 16)), request())
    assert passing.bytes == 2 * SLOT
    (workers,) = host_terms(carrying("vllm", first, SPORT), request(tp=2))
    assert workers.bytes == 4 * SLOT
    assert host_terms(carrying("vllm"), request()) == ()


def test_a_file_on_this_machine_says_its_own_size() -> None:
    assert adapter_copy(SPORT, request()) == SLOT
    assert adapter_copy(SPORT._replace(bytes=1234), request()) == 1234


def test_llama_cpp_holds_in_ram_what_the_devices_do_not() -> None:
    model = carrying("llama.cpp", FarmAdapter("a", Tier.VRAM, 16), slots=1)
    (term,) = host_terms(model, request(), 0)
    assert term.bytes == SLOT
    assert host_terms(model, request(), SLOT) == ()


def test_a_cold_switch_takes_bytes_over_bandwidth() -> None:
    found = {s.adapter: s for s in switches(carrying("vllm", CORE, SPORT, ARCHIVE), request(), 4)}
    assert set(found) == {"sport", "archive"}
    sport, archive = found["sport"], found["archive"]
    assert sport.low == pytest.approx(SLOT / 25.2e9)
    assert sport.high == pytest.approx(4 * sport.low)
    assert archive.low == pytest.approx(SLOT / 2 / 3e9 + SLOT / 2 / 25.2e9)
    assert archive.high == pytest.approx(SLOT / 2 / 0.5e9 + SLOT / 2 / 25.2e9 * 4)
    assert "assumed" in archive.why
    assert switches(carrying("llama.cpp", SPORT), request(), 4) == ()


def test_an_unknown_bus_is_counted_slow() -> None:
    (slow,) = switches(carrying("vllm", SPORT), request(), None)
    (fast,) = switches(carrying("vllm", SPORT), request(), 5)
    assert slow.low > fast.low


@given(st.integers(1, RANKS[-1]))
def test_a_rank_is_rounded_up_and_never_down(rank: int) -> None:
    model = carrying("vllm", FarmAdapter("a", Tier.VRAM, rank))
    assert served_rank(model) in RANKS
    assert served_rank(model) >= rank
    rounded = [d for d in check_tiers(model, serves=True) if "slots of rank" in d.summary]
    assert bool(rounded) == (served_rank(model) != rank)


@given(st.lists(st.sampled_from(Tier), min_size=1, max_size=8))
def test_ram_holds_at_least_what_the_device_does(tiers: list[Tier]) -> None:
    model = carrying("vllm", *(FarmAdapter(f"a{i}", t, 16) for i, t in enumerate(tiers)))
    assert cpu_slots(model) >= model.adapter_slots
    assert cpu_slots(model) <= len(tiers) + 1


@pytest.mark.parametrize(
    ("model", "serves", "severity", "expected"),
    [
        (carrying("infinity", CORE), False, Severity.ERROR, "serves no adapters"),
        (carrying("vllm", FarmAdapter("a", Tier.VRAM, 1024)), True, Severity.ERROR, "above 512"),
        (carrying("vllm", FarmAdapter("a", Tier.VRAM)), True, Severity.NOTE, "16 is assumed"),
        (carrying("vllm", CORE, SPORT), True, Severity.NOTE, "takes the slot"),
        (carrying("llama.cpp", SPORT), True, Severity.WARNING, "no other tier"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_engine_makes_of_tiers_is_said(
    model: FarmModel, serves: bool, severity: Severity, expected: str
) -> None:
    found = [d for d in check_tiers(model, serves=serves) if d.severity is severity]
    assert expected in " ".join(f"{d.summary} {d.detail}" for d in found)


FARM = """
planner: 1
project: test
hosts: {{box: {{address: me@192.168.1.10, gpus: [{gpu}], ram: {ram}, disk: 1TB}}}}
models: {{chat: {{source: Qwen/Qwen3-8B, engine: {engine}, {quant}context: 4k, adapters: {tiers}}}}}
adapters:
  core: {{base: Qwen/Qwen3-8B, source: ./core, rank: 16}}
  sport: {{base: Qwen/Qwen3-8B, source: ./sport, rank: 16}}
"""


def sized(folder: Path, tiers: str, *, engine: str = "vllm", gpu: str = "rtx-4090",
          ram: str = "64GiB") -> Sized:  # fmt: skip
    path = folder / "farm.yaml"
    quant = "quant: Q8_0, " if engine == "llama.cpp" else ""
    path.write_text(FARM.format(engine=engine, gpu=gpu, tiers=tiers, quant=quant, ram=ram))
    return workflows.size(workflows.validate(path))


def chat(folder: Path, tiers: str, **options: Any) -> Headroom:
    (found,) = workflows.headrooms(sized(folder, tiers, **options))
    return found


def terms(result: Sized) -> dict[str, int]:
    (replica,) = result.placement.replicas
    shares = {f"vram {t.name}": t.bytes for t in replica.report.devices[0].terms}
    return {**shares, **{f"ram {t.name}": t.bytes for t in replica.report.host.terms}}


def test_each_tier_takes_its_bytes_on_the_host(tmp_path: Path) -> None:
    both = terms(sized(tmp_path, "{core: vram, sport: vram}"))
    one = terms(sized(tmp_path, "{core: vram, sport: ram}"))
    late = terms(sized(tmp_path, "{sport: disk}"))
    assert both["vram adapters"] == 2 * one["vram adapters"] == 2 * SLOT
    assert both["ram adapters"] == one["ram adapters"] == 2 * SLOT
    assert late["vram adapters"] == late["ram adapters"] == SLOT


def test_llama_cpp_loads_every_adapter_on_the_device(tmp_path: Path) -> None:
    result = sized(tmp_path, "{core: vram, sport: disk}", engine="llama.cpp")
    assert terms(result)["vram adapters"] == 2 * SLOT
    assert "no other tier" in " ".join(str(d.detail) for d in result.diagnostics)


def test_a_host_without_ram_for_the_copies_is_refused(tmp_path: Path) -> None:
    assert sized(tmp_path, "{core: vram}", ram="4200MiB").fits
    assert not sized(tmp_path, "{core: vram, sport: ram}", ram="4200MiB").fits


def test_so_many_roles_fit_and_one_more_does_not(tmp_path: Path) -> None:
    more = chat(tmp_path, "{core: vram}").more_on_device
    assert more is not None
    assert more > 0
    (replica,) = sized(tmp_path, "{core: vram}").placement.replicas
    from planner.sizing.replica import ReplicaSizer

    sizer = ReplicaSizer()
    just = replica.model._replace(adapter_slots=1 + more)
    over = replica.model._replace(adapter_slots=2 + more)
    assert sizer(just, replica.host, replica.devices).fits
    assert not sizer(over, replica.host, replica.devices).fits


def test_a_slot_costs_kv_tokens_and_ram_holds_the_rest(tmp_path: Path) -> None:
    found = chat(tmp_path, "{core: vram}")
    assert found.slot_bytes == found.copy_bytes == SLOT
    assert found.tokens_per_slot == pytest.approx(SLOT / 147_456, abs=16)
    left = 64 * 2**30 - 4 * 2**30 - SLOT
    assert found.more_in_ram == left // SLOT


def test_a_model_without_adapters_answers_too(tmp_path: Path) -> None:
    found = chat(tmp_path, "{}")
    assert found.slots == 0
    assert found.settings == ()
    assert found.more_on_device


def test_the_drawing_stays_within_its_width_and_names_every_setting(tmp_path: Path) -> None:
    found = workflows.headrooms(sized(tmp_path, "{core: vram, sport: disk}"))
    text = headrooms_to_text(found, Style())
    assert "max_cpu_loras 2" in text
    assert "sport from disk" in text
    assert max(map(len, text.splitlines())) <= 80
    (row,) = headrooms_to_list(found)
    assert row["more_on_device"] == found[0].more_on_device
    assert headrooms_to_text((), Style()) == ""
