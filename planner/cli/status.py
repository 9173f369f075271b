"""The verb ``status``."""

from __future__ import annotations

from planner.cli.options import BlueprintPath, Format, FormatOption, write, write_json


def command(blueprint: BlueprintPath, format: FormatOption = Format.TEXT) -> None:
    """What runs on the hosts, where it answers, and whether that is as the blueprint says.

    Also what sizing predicted for each running model beside what its engine really took, how many
    tokens a second it gave, and whether it is still as it was told.
    """
    from planner import deployment
    from planner.cli.applying import end_with
    from planner.views.replicas import roles_of
    from planner.views.status import status_to_dict, status_to_text
    from planner.views.terminal import stdout_style

    with deployment.planning(blueprint, full=True) as planned:
        replicas, plan = planned.replicas, planned.plan
        real, heard = deployment.measured(planned), deployment.heard(planned)
        written = planned.farm.blueprint.roles if planned.farm else {}
        roles = roles_of({name: role.model for name, role in written.items()})
        if format is Format.JSON:
            write_json(status_to_dict(planned.seen, replicas, plan, real, heard, roles))
        else:
            style = stdout_style()
            write(status_to_text(planned.seen, replicas, plan, style, real, heard, roles))
    end_with(planned.unreachable.values())
