"""Every device of the catalogue falls into the class of its memory."""

from __future__ import annotations

import pytest

from planner.catalogue.device import Device
from planner.catalogue.find_part import all_devices
from planner.sizing.devices import accelerator
from planner.sizing.speed_rows import APPLE, GB10, GDDR, HBM, STRIX, UNIFIED, class_of
from tests.sizing.models import SHIPPED

CLASSES = {
    APPLE: {"apple-m2-ultra", "apple-m3-ultra", "apple-m4-max", "apple-m5-max", "apple-m5-ultra"},
    GB10: {"dgx-spark-gb10"},
    STRIX: {"ryzen-ai-max-plus-395"},
    UNIFIED: set(),
    HBM: {
        "a100-40-pcie", "a100-40-sxm", "a100-80-pcie", "a100-80-sxm", "b200-sxm", "gh200-96",
        "h100-nvl", "h100-pcie", "h100-sxm", "h200-sxm", "mi300x", "mi325x",
    },
}  # fmt: skip


@pytest.mark.parametrize("device", all_devices(SHIPPED), ids=lambda device: device.id)
def test_class(device: Device) -> None:
    row = class_of(accelerator(device))
    assert row is next((c for c, names in CLASSES.items() if device.id in names), GDDR)
