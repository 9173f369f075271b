"""The verb ``status``."""

from __future__ import annotations

from planner.cli.options import BlueprintPath, Format, FormatOption, write, write_json


def command(blueprint: BlueprintPath, format: FormatOption = Format.TEXT) -> None:
    """What runs on the hosts, where it answers, and whether that is as the blueprint says.

    Also what sizing predicted for each running model beside what its engine really took.
    """
    from planner import deployment
    from planner.cli.applying import end_with
    from planner.views.status import status_to_dict, status_to_text
    from planner.views.terminal import stdout_style

    with deployment.planning(blueprint, full=True) as planned:
        replicas, plan = planned.replicas, planned.plan
        real = deployment.measured(planned)
        if format is Format.JSON:
            write_json(status_to_dict(planned.seen, replicas, plan, real))
        else:
            write(status_to_text(planned.seen, replicas, plan, stdout_style(), real))
    end_with(planned.unreachable.values())
