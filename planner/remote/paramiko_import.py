"""Imports paramiko without what planner never uses of it.

paramiko imports invoke, which is optional there (it only runs ``Match exec`` of an SSH
configuration) and costs a third of the import. It is held back unless the configuration needs it.
"""

from __future__ import annotations

import importlib
import logging
import sys
import threading

_ONCE = threading.Lock()


def import_paramiko(*, with_invoke: bool = False) -> None:
    """Make a later ``import paramiko`` cheap and quiet."""
    with _ONCE:
        if "paramiko" in sys.modules:
            return
        held_back = not with_invoke and "invoke" not in sys.modules
        if held_back:
            sys.modules["invoke"] = None  # type: ignore[assignment]
        try:
            importlib.import_module("paramiko")
        finally:
            if held_back:
                del sys.modules["invoke"]
        # it logs tracebacks of what planner reports in words
        logger = logging.getLogger("paramiko")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
