"""Starts one program detached, inside a host's control group.

`python -m tests.farm.launch HOST LOG PROGRAM...`: the program is born in the group and belongs to
no terminal and no waiting parent, so it outlives whoever asked for it and is found again through
the group alone.
"""

from __future__ import annotations

import os
import sys

from tests.farm import cgroups


def main(name: str, log: str, *command: str) -> None:
    """Enter the group, step away from the parent, become the program."""
    cgroups.enter(name)
    if os.fork():
        os._exit(0)
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.pop("PYTHONPATH", None)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
