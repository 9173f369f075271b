"""Reads the texts planner ships with: Jinja2 templates, the engines' dated rows, the gateway's
hooks."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from planner.errors import PlannerError

Templates = Mapping[str, str]


def load_templates() -> Templates:
    """Every shipped text by its name: ``engines/<engine>.yaml``, ``init/blueprint.yaml.j2``,
    ``gateway/planner_roles.py``.

    Templates lie beside the code in a wheel and at the top of a checkout. Raises PlannerError when
    the installation lacks them.
    """
    texts: dict[str, str] = {}
    package = files("planner")
    _read(package / "engines" / "data", "engines/", texts)
    shipped = package / "_shipped" / "templates"
    if shipped.is_dir():
        _read(shipped, "", texts)
    else:
        _read(Path(str(package)).parent / "templates", "", texts)
    return texts


def load_engine_data(name: str) -> Templates:
    """The same of one file of dated rows, for what must be quick. Raises as the other does."""
    file = files("planner") / "engines" / "data" / name
    try:
        return {f"engines/{name}": file.read_text(encoding="utf-8")}
    except OSError as fault:
        raise _missing(file, fault) from fault


def _read(folder: Traversable, prefix: str, into: dict[str, str]) -> None:
    try:
        for item in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if item.is_dir():
                _read(item, f"{prefix}{item.name}/", into)
            elif item.name.endswith((".yaml", ".j2", ".py")):
                into[prefix + item.name] = item.read_text(encoding="utf-8")
    except OSError as fault:
        raise _missing(folder, fault) from fault


def _missing(place: Traversable, fault: OSError) -> PlannerError:
    return PlannerError(
        "planner's own templates are missing",
        cause=f"{place}: {fault.strerror}",
        advice="install it again: pip install --force-reinstall llm-farm-planner",
    )
