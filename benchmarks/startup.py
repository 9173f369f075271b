"""How long `planner validate` takes, against importing the libraries it stands on.

    python -m benchmarks.startup [--pairs 21] [--blueprint blueprints/homelab.yaml]

Both are whole processes with compiled bytecode, run in turn by the same interpreter.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from benchmarks.measure import (
    CannotMeasure,
    Command,
    clean_environment,
    compile_bytecode,
    ratio,
    rounds,
    table,
)

ROOT: Final = Path(__file__).resolve().parents[1]
LIBRARIES: Final = ("pydantic", "yaml", "typer")
TARGET: Final = 2.0


def planner_words(python: str) -> tuple[str, ...]:
    """How to start planner: its console script beside the interpreter, else its module."""
    script = Path(python).with_name("planner")
    return (str(script),) if script.is_file() else (python, "-m", "planner.cli.main")


def commands(python: str, blueprint: Path) -> tuple[Command, Command]:
    """``planner validate`` and the bare import, both with bytecode allowed."""
    words = planner_words(python)
    environment = clean_environment()
    if len(words) > 1:
        environment["PYTHONPATH"] = str(ROOT)
    return (
        Command("planner validate", (*words, "validate", str(blueprint)), environment),
        Command(
            f"import {', '.join(LIBRARIES)}",
            (python, "-c", f"import {', '.join(LIBRARIES)}"),
            clean_environment(),
        ),
    )


def main() -> int:
    """Measure, print the table and the ratio."""
    parser = argparse.ArgumentParser(prog="benchmarks.startup", description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=21)
    parser.add_argument("--blueprint", type=Path, default=ROOT / "blueprints" / "homelab.yaml")
    chosen = parser.parse_args()
    both = commands(sys.executable, chosen.blueprint)
    try:
        compile_bytecode(sys.executable, "planner", *LIBRARIES)
        done = rounds(both, max(1, chosen.pairs))
    except CannotMeasure as reason:
        print(f"cannot measure: {reason}", file=sys.stderr)
        return 1
    print(f"{len(done)} pairs, milliseconds of wall time, {' '.join(both[0].words)}\n")
    print(table(both, done))
    print(f"\nratio {ratio(done, 0, 1):.2f} (median of the pairs; at most {TARGET} is wanted)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
