"""Random farms: whatever is asked, no card, RAM, parent, disk or port is ever over-committed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.farm import Farm, FarmHost, FarmModel
from planner.placement.place import place
from planner.units import GIB
from tests.placement.builders import cards, device, farm, host, model, sizer
from tests.placement.checker import faults

KINDS = (device("rtx-4090", 24564), device("rtx-3090", 24576), device("l40s", 46068))
gibs = st.integers(0, 60).map(lambda n: n * GIB)
maybe_gibs = st.one_of(st.none(), gibs)


@st.composite
def some_hosts(draw: st.DrawFn) -> list[FarmHost]:
    hosts: list[FarmHost] = []
    for number in range(draw(st.integers(0, 4))):
        first = draw(st.integers(0, 3))
        second = draw(st.integers(0, 2))
        devices = cards(first, draw(st.sampled_from(KINDS)))
        devices += cards(second, draw(st.sampled_from(KINDS)), first)
        spec: dict[str, object] = {}
        if hosts and draw(st.booleans()):
            spec["within"] = draw(st.sampled_from([h.name for h in hosts]))
        if draw(st.booleans()):
            spec["keep_free"] = {"ram": "3GiB", "vram": "2GiB", "disk": "5GiB"}
        ram, disk = draw(maybe_gibs), draw(maybe_gibs)
        hosts.append(host(f"h{number}", devices, ram, disk, **spec))
    return draw(st.permutations(hosts))


@st.composite
def some_farm(draw: st.DrawFn) -> tuple[Farm, dict[str, int], dict[str, int]]:
    hosts = draw(some_hosts())
    names = [h.name for h in hosts]
    models: list[FarmModel] = []
    need, ram = {}, {}
    for number in range(draw(st.integers(1, 5))):
        name = f"m{number}"
        spec: dict[str, object] = {"replicas": draw(st.integers(1, 4))}
        if names and draw(st.booleans()):
            spec["on"] = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
        if draw(st.booleans()):
            spec["tensor_parallel"] = draw(st.integers(1, 3))
        if draw(st.booleans()):
            spec["extra_args"] = ("--gpu-memory-utilization=0.4",)
        if draw(st.integers(0, 4)) == 0:
            spec["port"] = draw(st.integers(8000, 8001))
        engine = draw(st.sampled_from(["vllm", "llama.cpp", "tei"]))
        models.append(model(name, engine, **spec))
        need[name] = draw(st.integers(1, 70)) * GIB
        ram[name] = draw(st.integers(0, 8)) * GIB
    return farm(hosts, models), need, ram


@settings(max_examples=100, deadline=None)
@given(some_farm())
def test_nothing_is_over_committed(case: tuple[Farm, dict[str, int], dict[str, int]]) -> None:
    whole, need, ram = case
    overlent = _vms_hold_too_much(whole)
    placement, found = place(whole, sizer(need, ram))
    said = [d for d in found if "the VMs within" in d.summary]
    assert bool(said) == overlent
    if not overlent:
        assert faults(placement) == []
    assert place(whole, sizer(need, ram)) == (placement, found)


def _vms_hold_too_much(whole: Farm) -> bool:
    """Whether written VM sizes alone exceed a parent, counted bottom up."""
    hosts = {h.name: h for h in whole.hosts}
    for field in ("ram_bytes", "disk_bytes"):
        for name, parent in hosts.items():
            have = getattr(parent, field)
            if have is not None and _held(hosts, name, field) > have:
                return True
    return False


def _held(hosts: dict[str, FarmHost], name: str, field: str) -> int:
    inside = [h for h in hosts.values() if h.spec.within == name]
    return sum(
        _held(hosts, h.name, field) if getattr(h, field) is None else getattr(h, field)
        for h in inside
    )
