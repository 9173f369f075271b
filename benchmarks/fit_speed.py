"""How long `planner fit` takes, as a whole process, for every model that planner can size.

    python -m benchmarks.fit_speed [--only NAME ...]

Each model is asked for once after its bytecode is there: on vLLM and on llama.cpp. Prints the
median and the slowest; exits 1 when one takes longer than half a second. Processor time stands
beside it: on a shared machine it is what a quiet one would take.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from typing import Final, NamedTuple

from benchmarks.measure import clean_environment, compile_bytecode
from benchmarks.parameters import known_models
from benchmarks.startup import planner_words
from planner.sources.catalogue import PackagedCatalogue

ENGINES: Final = ("vllm", "llama.cpp")
TARGET_S: Final = 0.5


class Timed(NamedTuple):
    """One call: seconds from start to exit, and of the processor."""

    model: str
    engine: str
    seconds: float
    worked: float


def time_fit(words: tuple[str, ...], model: str, engine: str) -> Timed:
    """Run it once; an answer that does not fit is an answer."""
    command = [*words, "fit", model, "--engine", engine, "--on", "rtx-4090x4", "--format", "json"]
    before = _worked()
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, env=clean_environment())
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 3) or not done.stdout.startswith(b"{"):
        raise SystemExit(f"{model} on {engine}: {done.stderr.decode()}")
    return Timed(model, engine, seconds, _worked() - before)


def _worked() -> float:
    """Processor seconds of the finished children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Print the table; 0 when every call is quick enough."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="*", help="names, or parts of them")
    options = parser.parse_args()
    compile_bytecode(sys.executable, "planner")
    words = planner_words(sys.executable)
    wanted = options.only or [""]
    names = [
        known.name
        for known in known_models(PackagedCatalogue())
        if any(part.lower() in known.name.lower() for part in wanted)
    ]
    found = [time_fit(words, name, engine) for name in names for engine in ENGINES]
    found.sort(key=lambda item: item.seconds)
    for item in found[-5:]:
        print(f"{item.seconds:6.3f} s ({item.worked:.3f})  {item.model} on {item.engine}")
    median = statistics.median(item.seconds for item in found)
    worked = sorted(item.worked for item in found)
    print(f"{len(found)} calls, median {median:.3f} s, slowest {found[-1].seconds:.3f} s")
    print(f"processor: median {statistics.median(worked):.3f} s, most {worked[-1]:.3f} s")
    return 0 if found[-1].seconds <= TARGET_S else 1


if __name__ == "__main__":
    sys.exit(main())
