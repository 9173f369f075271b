"""What placement weighs: money, apartness, stores, speed, caps; and that what runs stays."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.farm import FarmHost, Placement
from planner.placement.keep import Running
from planner.placement.place import place
from planner.sizing.values import DeviceSize, Speed, Term
from planner.units import GIB
from tests.placement.builders import cards, device, farm, host, model, report, sizer
from tests.placement.checker import faults

FAST = device("h100-sxm-80gb", 81559)
ROOT = Path(__file__).parents[2]


def where(placement: Placement) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {r.name: (r.host.name, tuple(d.index for d in r.devices)) for r in placement.replicas}


def running(placement: Placement) -> dict[tuple[str, int], Running]:
    return {
        (r.model.name, r.index): Running(r.host.name, tuple(d.index for d in r.devices))
        for r in placement.replicas
    }


def test_a_rented_host_is_used_only_when_needed() -> None:
    cloud = host("cloud", cards(2), ram=None, rent={"provider": "runpod", "gpu": "rtx-4090"})
    hosts, sizes = [cloud, host("box", cards(1))], sizer({"a": 20 * GIB})
    monthly = {"cloud": 50370, "box": 0}
    one, _ = place(farm(hosts, [model("a")]), sizes, cost=lambda h: monthly[h.name])
    assert where(one) == {"a-0": ("box", (0,))}
    assert one.replicas[0].reason == "box, one rtx-4090: cloud costs 503.70 a month more"
    assert one.replicas[0].runner_up == "cloud, one rtx-4090"
    two, _ = place(farm(hosts, [model("a", replicas=2)]), sizes, cost=lambda h: monthly[h.name])
    assert sorted(where(two).values()) == [("box", (0,)), ("cloud", (0,))]


def test_replicas_go_to_different_hosts_and_never_onto_one_card() -> None:
    hosts = [host("a", cards(2)), host("b", cards(1))]
    sizes = sizer({"m": GIB})
    two, _ = place(farm(hosts, [model("m", engine="llama.cpp", gpu_layers=9, replicas=2)]), sizes)
    assert {name for name, _ in where(two).values()} == {"a", "b"}
    four, _ = place(farm(hosts, [model("m", engine="llama.cpp", gpu_layers=9, replicas=4)]), sizes)
    assert len(set(where(four).values())) == 3
    assert four.left_out == ("models.m[3]",)


def test_near_a_store_is_on_its_machine() -> None:
    hosts = [host("a", ram=256 * GIB), host("b"), host("vm", ram=32 * GIB, within="b")]
    stores = {"docs": {"engine": "qdrant", "on": "vm"}}
    embed = model("embed", engine="tei", task="embedding", near="docs")
    placement, _ = place(farm(hosts, [embed], stores=stores), sizer({"embed": GIB}))
    assert where(placement)["embed-0"][0] in ("b", "vm")


def test_interactive_models_get_the_faster_card() -> None:
    def size(model, host, devices):
        fast = bool(devices) and devices[0].device.id == FAST.id
        told = report(model, devices, 20 * GIB)
        return replace(told, decode=Speed(80, 200 if fast else 100, 300))

    hosts = [host("slow", cards(1)), host("fast", cards(1, FAST))]
    placement, _ = place(farm(hosts, [model("chat")]), size)
    assert where(placement) == {"chat-0": ("fast", (0,))}
    assert "200 tokens/s instead of 100" in placement.replicas[0].reason


def reserving(model, host, devices):
    """An engine with 4 GiB of weights that takes 90% of a card, or the share it is told."""
    total = devices[0].memory_bytes
    share = model.memory_share or 0.9
    pool = int(total * share) - 4 * GIB
    tokens = max(0, pool) // 131072
    terms = (Term("weights", 4 * GIB, "told"), Term("kv_cache", max(0, pool), "told"))
    shares = tuple(DeviceSize(d.device.id, d.index, total, terms) for d in devices)
    told = report(model, devices, 0, fits=tokens >= (model.context or 0), max_context=tokens)
    return replace(told, devices=shares)


def test_engines_that_reserve_share_a_card_only_under_a_cap_and_only_when_they_must() -> None:
    small = {"context": 16384}
    box = host("box", cards(1))
    alone, _ = place(farm([box], [model("a", **small)]), reserving)
    assert alone.replicas[0].model.memory_share is None
    both, _ = place(farm([box], [model("a", **small), model("b", **small)]), reserving)
    assert [r.model.memory_share is not None for r in both.replicas] == [True, True]
    assert faults(both) == []
    # 4 GiB of weights and 2 GiB for 16k tokens of 128 KiB: a quarter of 24 GiB and a hundredth
    assert [r.model.memory_share for r in both.replicas] == [0.26, 0.26]
    assert (
        both.replicas[0].reason == "the only host with room for it alone: box, 26% of one rtx-4090"
    )
    apart, _ = place(
        farm([box, host("two", cards(1))], [model("a", **small), model("b", **small)]), reserving
    )
    assert [r.model.memory_share for r in apart.replicas] == [None, None]


kinds = st.sampled_from([cards(1), cards(2), cards(4), cards(1, FAST), ()])
needs = st.integers(1, 30)


@settings(max_examples=60, deadline=None)
@given(st.lists(kinds, min_size=1, max_size=4), st.lists(needs, min_size=2, max_size=5), st.data())
def test_adding_a_model_moves_nothing_that_runs(devices, sizes, data) -> None:
    hosts = [host(f"h{n}", own) for n, own in enumerate(devices)]
    need = {f"m{n}": size * GIB for n, size in enumerate(sizes)}
    models = [model(name, replicas=1 + n % 2) for n, name in enumerate(need)]
    new = data.draw(st.integers(0, len(models) - 1))
    before, _ = place(farm(hosts, models[:new] + models[new + 1 :]), sizer(need))
    if before.left_out:
        return
    after, _ = place(farm(hosts, models), sizer(need), running=lambda: running(before))
    assert faults(after) == []
    if not after.left_out:
        old = where(before)
        moved = {name for name, seat in old.items() if where(after)[name] != seat}
        free, _ = place(farm(hosts, models), sizer(need))
        stays, _ = place(farm(hosts, models), sizer(need), running=lambda: running(after))
        assert where(stays) == where(after)
        assert not moved or _must_move(hosts, models, need, before), (moved, where(free))


def _must_move(hosts, models, need, before: Placement) -> bool:
    """Whether what runs leaves no place for the rest, each running replica pinned where it is."""
    pinned = []
    for wanted in models:
        on = [r.host.name for r in before.replicas if r.model.name == wanted.name]
        pinned.append(wanted._replace(spec=wanted.spec.model_copy(update={"on": tuple(on)})))
    return True if not pinned else bool(place(farm(hosts, pinned), sizer(need))[0].left_out)


def test_what_runs_stays_even_where_another_place_would_be_better() -> None:
    hosts = [host("a", cards(2)), host("b", cards(2))]
    sizes = sizer({"x": 20 * GIB, "y": 20 * GIB})
    runs = {("x", 0): Running("b", (1,))}
    placement, _ = place(farm(hosts, [model("y"), model("x")]), sizes, running=lambda: runs)
    assert where(placement)["x-0"] == ("b", (1,))


def test_something_moves_when_a_new_model_has_no_place_otherwise() -> None:
    hosts = [host("big", cards(1, FAST)), host("small", cards(1))]
    runs = {("x", 0): Running("big", (0,))}
    sizes = sizer({"x": 10 * GIB, "y": 60 * GIB})
    models = [model("x"), model("y")]
    placement, _ = place(farm(hosts, models), sizes, running=lambda: runs)
    assert where(placement) == {"x-0": ("small", (0,)), "y-0": ("big", (0,))}


def rented(name: str, count: int = 1) -> FarmHost:
    written = {"provider": "cheap", "gpu": "rtx-4090", "count": count}
    return host(name, cards(count), ram=None, disk=None, rent=written)


def test_something_moves_when_the_month_would_go_over_the_budget_otherwise() -> None:
    # x runs on the only own card that y fits on; z, the other host of x, is free
    hosts = [host("big", cards(1, FAST)), host("small", cards(1)), rented("cloud", 4)]
    sizes = sizer({"x": 10 * GIB, "y": 60 * GIB})
    models = [model("x"), model("y")]
    runs = {("x", 0): Running("big", (0,))}

    def placed(most: int | None, **more: Any) -> dict[str, tuple[str, tuple[int, ...]]]:
        found, _ = place(
            farm(hosts, models), sizes, running=lambda: runs,
            cost=lambda one: 50_000 if one.rented else 0, budget=lambda: most, **more,
        )  # fmt: skip
        assert faults(found) == []
        return where(found)

    assert placed(None)["y-0"][0] == "cloud"  # nothing that runs moves for money alone
    assert placed(50_000)["y-0"][0] == "cloud"
    assert placed(49_999) == {"x-0": ("small", (0,)), "y-0": ("big", (0,))}
    assert placed(None, anew=True) == placed(0)


def test_all_that_is_asked_for_comes_before_the_budget() -> None:
    hosts, sizes = [host("small", cards(1)), rented("cloud", 4)], sizer({"y": 60 * GIB})
    found, _ = place(farm(hosts, [model("y")]), sizes, cost=lambda _: 50_000, budget=lambda: 100)
    assert where(found)["y-0"][0] == "cloud"
    assert not found.left_out


def test_the_budget_is_asked_only_when_something_rented_is_used() -> None:
    def never() -> int:
        raise AssertionError("asked")

    hosts = [host("small", cards(1)), rented("cloud")]
    found, _ = place(
        farm(hosts, [model("y")]), sizer({"y": GIB}),
        cost=lambda one: 50_000 if one.rented else 0, budget=never,
    )  # fmt: skip
    assert where(found)["y-0"][0] == "small"


def test_asked_anew_it_moves_to_the_better_place_and_only_there() -> None:
    hosts = [host("slow", ram=32 * GIB), host("twin", ram=32 * GIB), host("big", ram=256 * GIB)]
    models, sizes = [model("x", "llama.cpp"), model("y", "llama.cpp", on="twin")], {"x": 9 * GIB}
    sizes = sizer({**sizes, "y": GIB})
    runs = {("x", 0): Running("slow", ())}
    stays, _ = place(farm(hosts, models), sizes, running=lambda: runs)
    assert where(stays)["x-0"] == ("slow", ())
    assert stays.replicas[0].reason == "slow, from RAM: it runs there"
    moved, _ = place(farm(hosts, models), sizes, running=lambda: runs, anew=True)
    assert where(moved)["x-0"] == ("big", ())
    # of equally good hosts the one where it runs, not the one written first
    runs = {("x", 0): Running("twin", ())}
    same, _ = place(farm(hosts[:2], models), sizes, running=lambda: runs, anew=True)
    assert where(same)["x-0"] == ("twin", ())


def test_a_cap_stays_and_a_whole_card_stays_whole() -> None:
    hosts = [host("a", cards(1)), host("b", cards(1))]
    both = [model("one"), model("two")]
    shared = {("one", 0): Running("a", (0,), 0.4), ("two", 0): Running("a", (0,), 0.4)}
    capped, _ = place(farm(hosts, both), reserving, running=lambda: shared)
    assert [r.model.memory_share for r in capped.replicas] == [0.34, 0.34]
    assert {r.host.name for r in capped.replicas} == {"a"}
    whole = {("one", 0): Running("a", (0,))}
    apart, _ = place(farm(hosts, both), reserving, running=lambda: whole)
    kept = [(r.host.name, r.model.memory_share) for r in apart.replicas]
    assert kept == [("a", None), ("b", None)]


def test_what_runs_is_asked_only_where_there_is_a_choice() -> None:
    def never() -> dict[tuple[str, int], Running]:
        raise AssertionError("asked")

    hosts = [host("a", cards(1)), host("b", ram=64 * GIB)]
    pinned = [model("x", on="a"), model("z", "llama.cpp", on="b", gpu_layers=0)]
    place(farm(hosts, pinned), sizer({"x": GIB, "z": GIB}), running=never)


SCRIPT = """
from benchmarks.placement import farm
from planner.placement.cpsat import solve as cpsat
from planner.placement.solve import solve
from tests.placement.instances import small
for seed in range(40):
    print(solve(small(seed), cpsat).spots)
print(solve(farm(40, 150, 20), cpsat, 1.0).spots)
"""


def test_the_same_on_every_run_whatever_the_hash_seed() -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(texts) == 1
    assert "Spot(" in texts.pop()


def test_no_solver_is_loaded_where_there_is_nothing_to_decide() -> None:
    script = """
import sys
from planner.placement.place import place
from planner.units import GIB
from tests.placement.builders import cards, farm, host, model, sizer
hosts = [host("a", cards(1)), host("b", cards(2))]
models = [model("x", on="a"), model("y", on=["b"], replicas=2), model("z", "llama.cpp", on="a")]
place(farm(hosts, models[:2]), sizer({"x": GIB, "y": GIB, "z": GIB}))
assert "ortools" not in sys.modules
place(farm(hosts, models), sizer({"x": GIB, "y": GIB, "z": GIB}))
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
