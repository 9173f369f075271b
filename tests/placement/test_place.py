"""Where replicas go: as written, else first fit; never over what a host has."""

from dataclasses import replace

import pytest

from planner.diagnostics import Severity, error, note
from planner.farm import Farm, FarmModel, Placement
from planner.placement.beside import Footprint
from planner.placement.place import place
from planner.units import GIB, MIB
from tests.placement.builders import cards, device, farm, host, model, report, sizer
from tests.placement.checker import faults


def seats(placement: Placement) -> dict[str, tuple[str, list[int]]]:
    """Replica to host and card numbers."""
    return {r.name: (r.host.name, [d.index for d in r.devices]) for r in placement.replicas}


def errors(found) -> list[str]:
    return [d.summary for d in found if d.severity is Severity.ERROR]


def test_as_written_one_replica_per_named_host_then_round_again() -> None:
    hosts = [host("a", cards(2)), host("b", cards(1))]
    code = model("code", replicas=3, on=["b", "a"])
    placement, found = place(farm(hosts, [code]), sizer({"code": 20 * GIB}))
    assert seats(placement) == {"code-0": ("b", [0]), "code-1": ("a", [0])}
    assert placement.left_out == ("models.code[2]",)
    assert errors(found) == ["models.code[2] has no room on b"]
    assert placement.replicas[0].reason == "on: b, as written"


def test_a_model_goes_where_it_fits_and_its_reason_is_said() -> None:
    hosts = [host("small", cards(1, device("rtx-4070", 12282))), host("coder", cards(1))]
    placement, found = place(farm(hosts, [model("chat")]), sizer({"chat": 20 * GIB}))
    assert seats(placement) == {"chat-0": ("coder", [0])}
    assert placement.replicas[0].reason == (
        "the only host with room for it alone: coder, one rtx-4090"
    )
    assert not found


def test_what_is_pinned_is_placed_before_what_is_free() -> None:
    hosts = [host("box", cards(1)), host("coder", cards(1))]
    models = [model("free"), model("fixed", on="box")]
    placement, _ = place(farm(hosts, models), sizer({"free": GIB, "fixed": GIB}))
    assert seats(placement) == {"free-0": ("coder", [0]), "fixed-0": ("box", [0])}
    assert [r.name for r in placement.replicas] == ["free-0", "fixed-0"]  # document order


def test_an_engine_that_reserves_takes_the_whole_card_unless_capped() -> None:
    hosts = [host("box", cards(1))]
    sizes = sizer({"a": 5 * GIB, "b": 5 * GIB})
    alone, found = place(farm(hosts, [model("a"), model("b")]), sizes)
    assert seats(alone) == {"a-0": ("box", [0])}
    assert "box: rtx-4090 #0 is taken by models.a[0]" in (found[0].detail or "")
    args = ["--gpu-memory-utilization=0.3"]
    both, found = place(
        farm(hosts, [model("a", extra_args=args), model("b", extra_args=args)]), sizes
    )
    assert len(both.replicas) == 2
    assert not found


def test_a_card_taken_whole_is_named_with_its_owner() -> None:
    models = [model("a", on="box"), model("b", engine="llama.cpp", gpu_layers=9, on="box")]
    _, found = place(farm([host("box", cards(1))], models), sizer({"a": GIB, "b": GIB}))
    assert "box: rtx-4090 #0 is taken by models.a[0]" in (found[0].detail or "")


def test_engines_that_take_what_they_need_share_a_card_until_it_is_full() -> None:
    models = [model(name, engine="llama.cpp") for name in "abc"]
    hosts = [host("box", cards(1), ram=0), host("cpu", ram=64 * GIB)]
    placement, _ = place(farm(hosts, models), sizer(dict.fromkeys("abc", 10 * GIB)))
    where = sorted(seats(placement).values())
    assert where == [("box", [0]), ("box", [0]), ("cpu", [])]
    spilled = next(r for r in placement.replicas if r.host.name == "cpu")
    assert spilled.reason == "cpu, from RAM: box is full"
    assert spilled.runner_up == "box, one rtx-4090"


def test_tensor_parallel_wants_equal_cards_of_one_host() -> None:
    mixed = (*cards(1), *cards(1, device("rtx-3090", 24576), first=1), *cards(1, first=2))
    hosts = [host("two", cards(1)), host("mixed", mixed)]
    placement, _ = place(farm(hosts, [model("big", tensor_parallel=2)]), sizer({"big": 40 * GIB}))
    assert seats(placement) == {"big-0": ("mixed", [0, 2])}
    reason = "the only host with room for it alone: mixed, 2 x rtx-4090"
    assert placement.replicas[0].reason == reason


def test_llama_cpp_spreads_over_as_few_cards_as_hold_it() -> None:
    hosts = [host("box", cards(3), ram=GIB)]
    placement, _ = place(farm(hosts, [model("big", engine="llama.cpp")]), sizer({"big": 40 * GIB}))
    assert seats(placement) == {"big-0": ("box", [0, 1])}


def test_gpu_layers_zero_keeps_off_the_gpu_and_any_other_keeps_off_the_cpu() -> None:
    hosts = [host("cpu"), host("box", cards(1))]
    models = [model("quiet", engine="llama.cpp", gpu_layers=0),
              model("loud", engine="llama.cpp", gpu_layers=10)]  # fmt: skip
    placement, _ = place(farm(hosts, models), sizer({"quiet": GIB, "loud": GIB}))
    assert seats(placement) == {"quiet-0": ("cpu", []), "loud-0": ("box", [0])}


def test_vm_memory_is_the_parents() -> None:
    hosts = [host("brain", ram=64 * GIB), host("vm", ram=48 * GIB, within="brain")]
    models = [model("a", engine="llama.cpp", on="brain"), model("b", engine="llama.cpp", on="vm")]
    placement, found = place(farm(hosts, models), sizer({"a": 17 * GIB, "b": 40 * GIB}))
    assert seats(placement) == {"b-0": ("vm", [])}
    assert "brain: RAM lacks 1.00 GiB" in (found[0].detail or "")


def test_vm_without_a_size_draws_on_its_parent() -> None:
    hosts = [host("brain", ram=64 * GIB), host("vm", ram=None, within="brain")]
    models = [model("a", engine="llama.cpp", on="brain"), model("b", engine="llama.cpp", on="vm")]
    placement, found = place(farm(hosts, models), sizer({"a": 40 * GIB, "b": 25 * GIB}))
    assert seats(placement) == {"b-0": ("vm", [])}
    assert "brain: RAM lacks 1.00 GiB" in (found[0].detail or "")


def test_vms_that_hold_more_than_their_parent_are_refused() -> None:
    hosts = [host("brain", ram=16 * GIB), host("vm", ram=24 * GIB, within="brain")]
    _, found = place(farm(hosts, []), sizer({}))
    assert errors(found) == ["the VMs within brain hold 8.00 GiB more RAM than it has"]


def test_room_to_keep_free_is_kept() -> None:
    roomy = host("box", cards(1), keep_free={"vram": "4GiB"})
    placement, _ = place(farm([roomy], [model("a")]), sizer({"a": 20 * GIB}))
    assert placement.left_out == ("models.a[0]",)
    placement, _ = place(farm([roomy], [model("a")]), sizer({"a": 19 * GIB}))
    assert not placement.left_out


def test_stores_and_services_take_what_is_known_of_them_and_the_rest_is_said() -> None:
    document = {"stores": {"docs": {"engine": "qdrant", "on": "box"}},
                "services": {"n8n": {"on": "box", "port": 5678}}}  # fmt: skip
    models = [model("a", engine="llama.cpp", port=5678), model("b", engine="llama.cpp")]
    small = farm([host("box", ram=16 * GIB)], models, **document)
    sizes = {"stores.docs": Footprint(ram_bytes=8 * GIB, disk_bytes=0)}
    placement, found = place(small, sizer({"a": GIB, "b": 9 * GIB}), sizes)
    assert placement.left_out == ("models.a[0]", "models.b[0]")
    details = " ".join(d.detail or "" for d in found)
    assert "port 5678 is taken by services.n8n" in details
    assert "RAM lacks 1.00 GiB" in details
    assert "not counted, for services.n8n" in " ".join(d.summary for d in found)


def test_unknown_ram_is_accepted_and_said_once() -> None:
    hosts = [host("box", ram=None, disk=None)]
    models = [model("a", engine="llama.cpp"), model("b", engine="llama.cpp")]
    placement, found = place(farm(hosts, models), sizer({"a": GIB, "b": GIB}))
    assert len(placement.replicas) == 2
    assert [d.summary for d in found] == ["RAM of box is not known and was not checked"]


def test_replicas_on_one_host_store_their_weights_once() -> None:
    hosts = [host("box", cards(2), disk=25 * GIB)]
    placement, _ = place(farm(hosts, [model("a", replicas=2)]), sizer({"a": 20 * GIB}))
    assert len(placement.replicas) == 2
    placement, found = place(
        farm(hosts, [model("a"), model("b")]), sizer({"a": 20 * GIB, "b": 20 * GIB})
    )
    assert placement.left_out == ("models.b[0]",)
    assert "disk lacks 15.00 GiB" in (found[0].detail or "")


def test_a_pin_that_no_replica_reaches_is_said() -> None:
    hosts = [host("a", cards(1)), host("b", cards(1))]
    _, found = place(farm(hosts, [model("code", on=["a", "b"])]), sizer({"code": GIB}))
    assert [d.summary for d in found] == ["nothing of code runs on b: replicas is 1"]
    assert found[0].advice == "write `replicas: 2` for one on each"


def test_what_is_not_weighed_is_said() -> None:
    models = [model("a"), model("b", near="docs")]
    stores = {"docs": {"engine": "qdrant"}}
    _, found = place(farm([host("box", cards(2))], models, stores=stores), sizer({"a": 1, "b": 1}))
    summary = "near docs says nothing: it is on no host yet"
    assert ("models.b.near", summary) in [(d.where, d.summary) for d in found]


def test_equal_machines_are_sized_once() -> None:
    asked = []

    def size(model, host, devices):
        asked.append(host.name)
        return report(model, devices, 20 * GIB)

    hosts = [host(f"h{number}", cards(8)) for number in range(20)]
    placement, _ = place(farm(hosts, [model("a", replicas=160)]), size)
    assert len(placement.replicas) == 160
    assert faults(placement) == []
    assert asked == ["h0"]


def test_rented_hosts_receive_replicas() -> None:
    cloud = host("cloud", cards(1), ram=None, rent={"provider": "runpod", "gpu": "rtx-4090"})
    placement, _ = place(farm([cloud], [model("a")]), sizer({"a": GIB}))
    assert seats(placement) == {"a-0": ("cloud", [0])}


class TestNoPlace:
    """What is said when nothing fits: model, hosts with missing GiB, the cheapest way out."""

    def small(self) -> Farm:
        return farm([host("box", cards(1)), host("silent")], [model("chat", context=131072)])

    def test_names_model_hosts_missing_memory_and_a_context_that_fits(self) -> None:
        def size(model, host, devices):  # 10 GiB and 128 KiB a token
            need = 10 * GIB + (model.context or 0) * 128 * 1024
            most = (24564 * MIB - 10 * GIB) // (128 * 1024)
            return report(model, devices, need, max_context=most)

        placement, found = place(self.small(), size)
        assert placement.left_out == ("models.chat[0]",)
        only = found[0]
        assert only.summary == "models.chat[0] has no room on any host"
        assert only.where == "models.chat"
        assert only.detail == (
            "box: rtx-4090 #0 lacks 2.01 GiB; silent: no GPU, and chat needs one"
        )
        assert only.advice == "write `context: 111k` under models.chat: it then fits on box"

    def test_takes_more_cards_when_they_hold_it(self) -> None:
        placement, _ = place(
            farm([host("box", cards(2))], [model("big")]), sizer({"big": 40 * GIB})
        )
        assert seats(placement) == {"big-0": ("box", [0, 1])}

    def test_offers_another_host_when_the_pin_is_the_trouble(self) -> None:
        hosts = [host("a", cards(1, device("rtx-4070", 12282))), host("b", cards(1))]
        _, found = place(farm(hosts, [model("m", on="a")]), sizer({"m": 20 * GIB}))
        assert found[0].advice == "leave models.m.on out, or name b: it has room"
        assert found[0].where == "models.m.on"

    def test_otherwise_says_what_to_type(self) -> None:
        _, found = place(self.small(), sizer({"chat": 99 * GIB}))
        assert "planner fit org/chat --on rtx-4090 --quant awq" in (found[0].advice or "")

    def test_replicas_that_fail_alike_are_one_message(self) -> None:
        _, found = place(farm([host("box", cards(1))], [model("a", replicas=4)]), sizer({"a": GIB}))
        assert errors(found) == ["models.a[1] (and 2 more of a) has no room on any host"]

    def test_no_hosts_at_all(self) -> None:
        placement, found = place(farm([], [model("a")]), sizer({"a": GIB}))
        assert placement.left_out == ("models.a[0]",)
        assert found[0].detail == "the farm has no host for it"


class TestOpenContext:
    """A context that nobody wrote is the longest that fits."""

    def size(self, model, host, devices):  # 10 GiB and 128 KiB a token on one card
        need = 10 * GIB + (model.context or 0) * 128 * 1024
        card = devices[0].memory_bytes if devices else host.ram_bytes
        most = (card - 10 * GIB) // (128 * 1024)
        return report(model, devices, need, max_context=most)

    def open(self, **spec) -> FarmModel:
        return model("chat", context=262144, written=False, **spec)

    def test_is_shortened_to_what_fits_and_said(self) -> None:
        placement, found = place(farm([host("box", cards(1))], [self.open()]), self.size)
        # (24564 MiB - 10240 MiB) / 128 KiB = 114,592 tokens, 111 whole k
        assert placement.replicas[0].model.context == 111 * 1024
        assert placement.replicas[0].report.devices[0].used_bytes == 10 * GIB + 111 * 128 * MIB
        assert found[0].summary == (
            "context of chat is 111k: the longest that fits, of 256k that it was trained for"
        )
        assert found[0].where == "models.chat"

    def test_stays_where_it_fits(self) -> None:
        short = model("chat", context=8192, written=False)
        placement, found = place(farm([host("box", cards(1))], [short]), self.size)
        assert placement.replicas[0].model.context == 8192
        assert not found

    def test_is_the_same_for_all_replicas(self) -> None:
        hosts = [host("box", cards(1)), host("small", cards(1, device("rtx-4080", 16376)))]
        placement, _ = place(farm(hosts, [self.open(replicas=2)]), self.size)
        # (16376 - 10240) MiB / 128 KiB = 49,088 tokens, 47 whole k
        assert [r.model.context for r in placement.replicas] == [47 * 1024] * 2
        assert faults(placement) == []

    def test_under_4k_is_the_owners_decision(self) -> None:
        tiny = host("tiny", cards(1, device("card", 10 * 1024 + 400)))
        placement, _ = place(farm([tiny], [self.open()]), self.size)
        assert placement.left_out == ("models.chat[0]",)


def test_what_sizing_says_is_said_at_its_model() -> None:
    def size(model, host, devices):
        told = report(model, devices, GIB)
        return replace(told, diagnostics=(note("assumed 4 slots"),))

    _, found = place(farm([host("box", cards(1))], [model("chat", replicas=1)]), size)
    assert [(d.where, d.summary) for d in found] == [("models.chat", "assumed 4 slots")]


def test_a_report_with_an_error_is_no_place_whatever_its_sums_say() -> None:
    def size(model, host, devices):
        told = report(model, devices, GIB)
        wrong = (error("8 heads do not divide by 3"),) if host.ram_bytes == GIB else ()
        return replace(told, diagnostics=wrong)

    hosts = [host("first", cards(1), ram=GIB), host("second", cards(1))]
    placement, _ = place(farm(hosts, [model("chat")]), size)
    assert seats(placement) == {"chat-0": ("second", [0])}


def test_a_model_that_cannot_be_sized_says_why() -> None:
    def size(model, host, devices):
        why = error("'chat' cannot be sized: its architecture is not known", "models", "chat")
        return replace(report(model, (), 0, fits=False), diagnostics=(why,))

    placement, found = place(farm([host("box", cards(1))], [model("chat")]), size)
    assert placement.left_out == ("models.chat[0]",)
    assert found[0].detail == "box: 'chat' cannot be sized: its architecture is not known"
    assert found[0].advice is None


def test_the_same_input_gives_the_same_placement() -> None:
    hosts = [host("a", cards(2)), host("b", cards(2))]
    models = [model("x", replicas=3), model("y", engine="llama.cpp")]
    sizes = sizer({"x": GIB, "y": GIB})
    assert place(farm(hosts, models), sizes) == place(farm(hosts, models), sizes)


def test_the_checker_sees_over_commitment() -> None:
    """A checker that accepts everything would prove nothing."""
    box = host("box", cards(1))
    good, _ = place(farm([box], [model("a")]), sizer({"a": 20 * GIB}))
    assert faults(good) == []
    twice = Placement(good.farm, good.replicas * 2)
    found = " ".join(faults(twice))
    for part in ("card ('box', 0) holds", "shared with a-0", "port", "asked"):
        assert part in found


@pytest.mark.parametrize("engine", ["vllm", "llama.cpp"])
def test_a_card_of_unknown_use_is_taken_whole(engine: str) -> None:
    def size(model, host, devices):
        return report(model, (), 0, 0, fits=True)

    models = [model("a", engine=engine, gpu_layers=1), model("b", engine=engine, gpu_layers=1)]
    placement, _ = place(farm([host("box", cards(1))], models), size)
    assert placement.left_out == ("models.b[0]",)
