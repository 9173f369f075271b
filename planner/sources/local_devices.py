"""What this machine's NVIDIA driver says of its cards, through NVML (nvidia-ml-py)."""

from __future__ import annotations

from planner.errors import UsageError
from planner.sizing.ask import LocalDevice


def read_local_devices() -> tuple[LocalDevice, ...]:
    """Every card in the driver's order, with the bytes that the driver reports.

    Raises UsageError when there is no driver, or no card.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as fault:
        raise _absent(str(fault)) from fault
    try:
        count = pynvml.nvmlDeviceGetCount()
        found = tuple(_device(pynvml.nvmlDeviceGetHandleByIndex(i)) for i in range(count))
    except pynvml.NVMLError as fault:
        raise _absent(str(fault)) from fault
    finally:
        pynvml.nvmlShutdown()
    if not found:
        raise _absent("it has no cards")
    return found


def _device(handle: object) -> LocalDevice:
    import pynvml

    name = pynvml.nvmlDeviceGetName(handle)
    text = name.decode() if isinstance(name, bytes) else str(name)
    try:
        return LocalDevice(text, int(pynvml.nvmlDeviceGetMemoryInfo(handle).total))
    except pynvml.NVMLError_NotSupported:  # memory shared with the CPU has no figure of its own
        return LocalDevice(text, None)


def _absent(cause: str) -> UsageError:
    return UsageError(
        "this machine's NVIDIA driver names no cards",
        cause=cause,
        advice="name a device, such as --on rtx-4090, or write --on cpu",
    )
