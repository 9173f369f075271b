"""How long `planner apply` takes when nothing has to change, against pyinfra and plain ssh.

    sudo python -m benchmarks.no_change [--hosts 8] [--rounds 10] [--pyinfra FOLDER]

Boots real hosts (see tests/farm/README.md), deploys three files and one service on each with
planner, then lets planner, pyinfra and a shell loop of ssh check them in turn.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.bench_farm import deploy, standing, what_lies_there, write_blueprint
from benchmarks.measure import (
    MIB,
    CannotMeasure,
    Command,
    clean_environment,
    compile_bytecode,
    ratio,
    rounds,
    table,
)
from benchmarks.rivals import install_pyinfra, pyinfra_command, ssh_command
from benchmarks.startup import LIBRARIES, planner_words
from tests.farm.commands import FarmError

AGAINST_PYINFRA: Final = 0.5
AGAINST_SSH: Final = 1.2
MEMORY: Final = 150 * MIB


def main() -> int:
    """Boot, deploy, measure, print; the hosts are gone afterwards."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.no_change", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--pyinfra", type=Path, help="keep pyinfra's environment in this folder")
    chosen = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="planner-bench-") as scratch:
            _measure(chosen.hosts, chosen.rounds, chosen.pyinfra, Path(scratch))
    except (CannotMeasure, FarmError) as reason:
        print(f"cannot measure: {reason}", file=sys.stderr)
        return 1
    return 0


def _measure(hosts: int, count: int, environment: Path | None, scratch: Path) -> None:
    pyinfra = install_pyinfra(environment or scratch / "pyinfra")
    compile_bytecode(sys.executable, "planner", *LIBRARIES, "paramiko", "cryptography")
    planner = planner_words(sys.executable)
    with standing(hosts) as farm:
        known = clean_environment(PLANNER_KNOWN_HOSTS=str(farm.known_hosts))
        blueprint = write_blueprint(farm, scratch)
        print(f"deploying to {hosts} hosts", file=sys.stderr)
        deploy(planner, blueprint, known)
        there = what_lies_there(farm, scratch)
        commands = (
            Command("planner", (*planner, "apply", str(blueprint), "--yes"), known),
            pyinfra_command(pyinfra, farm, there, scratch),
            ssh_command(farm, there, scratch),
        )
        done = rounds(commands, max(1, count))
        # a run that had changed something would have been no measurement of changing nothing
        still = Command(
            "plan after the measurement",
            (*planner, "plan", str(blueprint), "--detailed-exitcode"),
            known,
        )
        rounds([still], 1, warm=0)
    peak = max(row[0].peak_bytes for row in done)
    print(
        f"{count} rounds over {hosts} hosts on {os.cpu_count()} cores, milliseconds of wall time\n"
    )
    print(table(commands, done))
    print(f"\nplanner / pyinfra  {ratio(done, 0, 1):.2f} (at most {AGAINST_PYINFRA} is wanted)")
    print(f"planner / ssh      {ratio(done, 0, 2):.2f} (at most {AGAINST_SSH} is wanted)")
    print(f"planner's memory   {peak / MIB:.0f} MiB (less than {MEMORY // MIB} is wanted)")


if __name__ == "__main__":
    sys.exit(main())
