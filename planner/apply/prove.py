"""Sees whether what a running engine was told took effect: its settings, and its adapters."""

from __future__ import annotations

from planner.apply.ask import Line, line_to
from planner.apply.run import HostRun
from planner.diff.values import LoadAdapter, UnloadAdapter
from planner.engines.api import api_of
from planner.engines.api.values import Answers, Api, Call, Loading, Setting, adapter_setting
from planner.errors import PlannerError
from planner.render.bundle import Workload


class NotAsTold(PlannerError):
    """An engine runs, and not as it was told."""


def prove(run: HostRun, workload: Workload) -> tuple[str, ...]:
    """See that a workload that answers is as it was told; the names of what it did not say.

    Raises NotAsTold with what was asked, what the engine says, and what to type.
    """
    api = api_of(workload.engine)
    if api is None or not workload.settings:
        return ()
    said = api.read(line_to(run.transport, run.layout, workload).answers(api))
    wrong = [item for item in workload.settings if not _holds(item, said.get(item.name))]
    if wrong:
        raise _not_as_told(run, workload, wrong, [said.get(item.name) for item in wrong])
    return tuple(item.name for item in workload.settings if item.name not in said)


def _holds(setting: Setting, said: str | None) -> bool:
    """What an engine does not say may be so; an adapter that it does not name is not there."""
    if said is None:
        return not setting.name.startswith(adapter_setting(""))
    return setting.holds(said)


def _not_as_told(
    run: HostRun, workload: Workload, wrong: list[Setting], said: list[str | None]
) -> NotAsTold:
    lines = [
        f"{item.name}: {item.key or 'planner'} asks for {item.value}"
        f"{' or more' if item.least else ''}, {workload.engine} says {now or 'nothing of it'}"
        for item, now in zip(wrong, said, strict=True)
    ]
    model, key = workload.resource.partition("[")[0], wrong[0].key
    as_it_is = f", or write {key} as the engine has it" if key.count(".") > 1 else ""
    return NotAsTold(
        f"{workload.name} runs, but not as it was told",
        where=run.host,
        cause="\n".join(lines),
        advice=f"see whether {model}.extra_args, the image or the model's files say otherwise"
        f"{as_it_is}; then apply again",
    )


def load(run: HostRun, step: LoadAdapter) -> None:
    """Have the engine load an adapter, and ask it for its path. Raises PlannerError."""
    api, loading = _loading(run, step.workload)
    line = line_to(run.transport, run.layout, step.workload)
    name, path = step.adapter.name, step.adapter.path
    serves = _where(run, line, api, name)
    if serves == path:
        return  # an earlier run came this far
    try:
        _tell(run, line, loading.load(name, path, serves is not None))
    except PlannerError:
        if serves is None:
            raise
        # versions from before 2026 replace none: one goes, the other comes
        _tell(run, line, loading.unload(name))
        _tell(run, line, loading.load(name, path, False))
    now = _where(run, line, api, name)
    if now != path:
        raise _unchanged(run, step.workload, f"adapter {name} at {path}", now)


def unload(run: HostRun, step: UnloadAdapter) -> None:
    """Have the engine give an adapter up, and see that it is gone. Raises PlannerError."""
    api, loading = _loading(run, step.workload)
    line = line_to(run.transport, run.layout, step.workload)
    name = step.adapter.name
    if _where(run, line, api, name) is None:
        return
    _tell(run, line, loading.unload(name))
    now = _where(run, line, api, name)
    if now is not None:
        raise _unchanged(run, step.workload, f"no adapter {name}", now)


def _loading(run: HostRun, workload: Workload) -> tuple[Api, Loading]:
    api = api_of(workload.engine)
    if api is None or api.loading is None:
        raise PlannerError(f"{workload.engine} loads no adapters while it runs", where=run.host)
    return api, api.loading


def _where(run: HostRun, line: Line, api: Api, adapter: str) -> str | None:
    """The path that the engine has an adapter from; None when it serves none of that name."""
    bodies = line.bodies(api.loading.paths if api.loading else ())
    if not bodies:
        raise PlannerError(
            f"{line.workload.name} does not answer",
            where=run.host,
            cause="it was asked for its adapters",
            advice="see how it is: planner status BLUEPRINT",
        )
    return api.read(Answers(bodies)).get(adapter_setting(adapter))


def _tell(run: HostRun, line: Line, call: Call) -> None:
    """Send a change. Raises PlannerError with the engine's own words when it refuses."""
    answer = line.post(call)
    if answer is not None and answer.ok:
        return
    said = "it did not answer"
    if answer is not None:
        said = f"HTTP {answer.status}: {answer.body.decode(errors='replace')[:300]}"
    raise PlannerError(
        f"{line.workload.engine} refused {call.path}",
        where=run.host,
        cause=said,
        advice=f"{line.workload.name} serves what it served; its log says more. Put that right, "
        "then run the same command again",
    )


def _unchanged(run: HostRun, workload: Workload, asked: str, now: str | None) -> NotAsTold:
    return NotAsTold(
        f"{workload.name} said yes and did nothing",
        where=run.host,
        cause=f"asked for {asked}; {workload.engine} says {now or 'nothing of it'}",
        advice="run the same command again, or restart it: it then reads its list anew",
    )
