"""Fills text templates: for prose and comments, where a writer of data would only be in the way.

Compose files and units are data and have writers of their own: importing Jinja2 takes 40 ms, four
times what rendering a farm takes, and a plan that changes nothing renders too.
"""

from __future__ import annotations

from collections.abc import Mapping


def fill(template: str, values: Mapping[str, object]) -> str:
    """The template's text with ``values`` put in. Raises ValueError for a name without a value."""
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    try:
        return environment.from_string(template).render(values)
    except TemplateError as fault:
        raise ValueError(f"template: {fault}") from fault
