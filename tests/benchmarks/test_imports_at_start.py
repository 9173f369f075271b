"""What `planner validate` does not wait for: modules it has no use for are not imported."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.startup import ROOT

# what other verbs need: reaching hosts, rendering, drawing, sizing, placing, carrying out
OTHERS = {
    "rich", "jinja2", "paramiko", "fabric", "invoke", "docker", "requests", "cryptography",
    "asyncio", "urllib.request", "http.client", "ortools", "numpy",
    "planner.deployment", "planner.sizing.size", "planner.sizing.ask", "planner.placement.place",
    "planner.render.render", "planner.diff.differ", "planner.apply.execute",
    "planner.cost.estimate",
}  # fmt: skip
_RUN = """
import sys
from planner.cli.main import run
code = run(["validate", sys.argv[1]])
print("\\n".join(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def test_validate_imports_what_it_needs_and_no_more() -> None:
    blueprint = ROOT / "blueprints" / "homelab.yaml"
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(blueprint)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.splitlines())
    assert {"planner.resolve", "planner.sources.catalogue", "pydantic"} <= loaded
    assert not loaded & OTHERS
