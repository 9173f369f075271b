"""Model files on a host that were cut short: sent again, and no way back to what needs them."""

from __future__ import annotations

from dataclasses import replace

from planner.diff.planning import make_plan
from planner.diff.rollback import plan_rollback
from tests.diff.examples import as_rendered, bundle, host_bundle, weights, workload

FILE = weights(content=b"eight by")
PLACE = f"weights/{FILE.key}/tiny.gguf"


def test_a_file_that_was_cut_short_is_sent_again() -> None:
    wanted = host_bundle(workload("chat-0", artifacts=(FILE,)), artifacts=(FILE,))
    seen = as_rendered(wanted)
    for size in (8, None):
        sizes = {} if size is None else {PLACE: size}
        assert make_plan(bundle(wanted), {"box": replace(seen, sizes=sizes)}).empty
    made = make_plan(bundle(wanted), {"box": replace(seen, sizes={PLACE: 5})})
    [push] = made.operations
    assert (push.kind, push.cause) == (
        "push", "on the host it has 5 of its 8 bytes, chat-0 needs it",
    )  # fmt: skip
    assert made.seen == {"box": replace(seen, sizes={PLACE: 5}).fingerprint}


def test_a_release_whose_file_was_cut_short_is_not_gone_back_to() -> None:
    old = host_bundle(workload("chat-0", "old", artifacts=(FILE,)), artifacts=(FILE,))
    new = host_bundle(workload("chat-0", "new", artifacts=(FILE,)), artifacts=(FILE,))
    seen = as_rendered(new)
    seen = replace(
        seen,
        releases=(new.digest, old.digest),
        manifests={**seen.manifests, **as_rendered(old).manifests},
    )
    assert not plan_rollback("demo", {"box": seen}, None).diagnostics
    made = plan_rollback("demo", {"box": replace(seen, sizes={PLACE: 5})}, None)
    [found] = made.diagnostics
    assert "damaged on box" in found.summary
    assert found.detail == f"{PLACE} has 5 of its 8 bytes"
