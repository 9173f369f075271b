"""The verb ``size``."""

from __future__ import annotations

from typing import Annotated

import typer

from planner.cli.options import BlueprintPath, Format, FormatOption, tell, write, write_json


def command(
    blueprint: BlueprintPath,
    explain: Annotated[
        bool, typer.Option("--explain", help="Every term with its formula and source.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """What runs where, what each device holds, and how fast it will be.

    What an engine measured on a host with the same settings goes before what was computed.
    Exit code 3 when something does not fit.
    """
    from planner import workflows
    from planner.views.headroom import headrooms_to_list, headrooms_to_text
    from planner.views.layouts import layouts_to_list, layouts_to_text
    from planner.views.services import services_to_list, services_to_text
    from planner.views.size import size_to_dict, size_to_text
    from planner.views.stores import stores_to_list, stores_to_text
    from planner.views.terminal import stdout_style

    result = workflows.size(workflows.validate(blueprint, headers=True))
    result = workflows.with_measured(result)
    if format is Format.JSON:
        answer = size_to_dict(result.placement, result.diagnostics, beside=result.beside)
        write_json({**answer, "stores": stores_to_list(result.stores),
                    "services": services_to_list(result.services),
                    "layouts": layouts_to_list(workflows.layouts(result)),
                    "adapters": headrooms_to_list(workflows.headrooms(result))})  # fmt: skip
        if not result.fits:
            raise typer.Exit(3)
        return
    style = stdout_style()
    blueprint_read = result.placement.farm.blueprint
    roles = explain or blueprint_read.adapters or blueprint_read.roles
    write(size_to_text(result.placement, style, explain=explain, beside=result.beside))
    for text in (
        layouts_to_text(workflows.layouts(result), style),
        headrooms_to_text(workflows.headrooms(result), style) if roles else "",
        stores_to_text(result.stores, style, explain=explain),
        services_to_text(result.services, style, explain=explain),
    ):
        write(f"\n{text}") if text else None
    if not result.fits:
        raise workflows.invalid(blueprint, result.diagnostics)
    tell(result.diagnostics)
