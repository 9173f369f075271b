"""``--on local``: what the NVIDIA driver says, through a stub of its binding."""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace

import pytest

from planner.cli.main import run
from planner.errors import UsageError
from planner.sizing.ask import LocalDevice
from planner.sources.local_devices import read_local_devices
from planner.units import GIB

Cards = list[tuple[str | bytes, int | None]]


class Driver(ModuleType):
    """Stands in for pynvml: the few functions that are called, over the given cards."""

    class NVMLError(Exception):
        """As in the binding."""

    class NVMLError_NotSupported(NVMLError):  # noqa: N801 - its name in the binding
        """As in the binding."""

    def __init__(self, cards: Cards | None) -> None:
        super().__init__("pynvml")
        self.cards = cards
        self.open = 0

    def nvmlInit(self) -> None:  # noqa: N802
        if self.cards is None:
            raise self.NVMLError("NVML Shared Library Not Found")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.cards or ())

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:  # noqa: N802
        return (self.cards or [])[handle][0]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        total = (self.cards or [])[handle][1]
        if total is None:
            raise self.NVMLError_NotSupported
        return SimpleNamespace(total=total)


def driver(patch: pytest.MonkeyPatch, cards: Cards | None) -> Driver:
    stub = Driver(cards)
    patch.setitem(sys.modules, "pynvml", stub)
    return stub


def test_names_and_memory_come_from_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    stub = driver(monkeypatch, [("NVIDIA GeForce RTX 4090", 24 * GIB), (b"NVIDIA GB10", None)])
    assert read_local_devices() == (
        LocalDevice("NVIDIA GeForce RTX 4090", 24 * GIB),
        LocalDevice("NVIDIA GB10", None),
    )
    assert stub.open == 0


@pytest.mark.parametrize("cards", [None, []])
def test_without_a_driver_or_a_card_it_is_said(
    monkeypatch: pytest.MonkeyPatch, cards: Cards | None
) -> None:
    driver(monkeypatch, cards)
    with pytest.raises(UsageError, match="names no cards"):
        read_local_devices()


def fit(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, object]:
    words = ["fit", "Qwen/Qwen3-8B", "--on", "local", "--context", "8k", "--format", "json"]
    run([*words, *more])
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


def test_a_card_of_the_catalogue_keeps_its_speed_and_the_drivers_bytes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    driver(monkeypatch, [("NVIDIA GeForce RTX 4090", 48 * GIB)])
    answer = fit(capsys)
    devices = answer["devices"]
    assert isinstance(devices, list)
    assert devices[0]["device"] == "rtx-4090"
    assert devices[0]["total_bytes"] == 48 * GIB
    assert answer["decode_tokens_per_second"] is not None


def test_an_unknown_card_is_sized_by_its_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    driver(monkeypatch, [("Acme Frobnicator 9000", 40 * GIB)] * 2)
    answer = fit(capsys)
    devices = answer["devices"]
    assert isinstance(devices, list)
    assert [device["total_bytes"] for device in devices] == [40 * GIB] * 2
    assert answer["decode_tokens_per_second"] is None


def test_a_machine_without_a_driver_is_a_sentence_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    driver(monkeypatch, None)
    assert run(["fit", "Qwen/Qwen3-8B", "--on", "local"]) == 2
    said = capsys.readouterr().err
    assert "NVIDIA driver" in said
    assert "Traceback" not in said
