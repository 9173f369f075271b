"""What people look up in the README is all there, and nothing stands there that is not so."""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import Iterator
from enum import Enum

import pytest
from pydantic import BaseModel

from planner import errors
from planner.blueprint import schema
from planner.cli.verbs import VERBS
from planner.engines.registry import engine_names
from tests.docs.console import ROOT, steps

README = ROOT / "README.md"
TEXT = README.read_text()
# The heading of each table of keys, and the part of the schema that it describes.
TABLES: dict[str, type[BaseModel]] = {
    "The file": schema.Blueprint,
    "`hosts.<name>`": schema.Host,
    "`hosts.<name>.gpus[]`": schema.Device,
    "`hosts.<name>.owned`": schema.Owned,
    "`hosts.<name>.power`": schema.Power,
    "`hosts.<name>.rent`": schema.Rent,
    "`hosts.<name>.keep_free`": schema.Keep,
    "`models.<name>`": schema.Model,
    "`models.<name>.server`": schema.Server,
    "`models.<name>.price`": schema.TokenPrice,
    "`models.<name>.image`, `services.<name>.image`": schema.ImageArchive,
    "`adapters.<name>`": schema.Adapter,
    "`stores.<name>`": schema.Store,
    "`stores.<name>.keep`": schema.StoreKeep,
    "`roles.<name>`": schema.Role,
    "`roles.<name>.sampling`": schema.Sampling,
    "`services.<name>`": schema.Service,
    "`gateway`": schema.Gateway,
    "`gateway.caddy`": schema.Caddy,
    "`gateway.clients.<name>`": schema.Client,
    "`secrets.<name>`": schema.Secret,
    "`budget`": schema.Budget,
    "The inventory": schema.Inventory,
}


def rows(title: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    below = TEXT.split(f"# {title}\n", 1)[1]
    section = re.split(r"^#+ ", below, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def parts(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The sections that lie anywhere within a section, and itself."""
    yield model
    for field in model.model_fields.values():
        for kind in _kinds(field.annotation):
            yield from parts(kind)


def _kinds(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _kinds(inner)


def default(model: type[BaseModel], key: str) -> str:
    field = model.model_fields[key]
    if field.is_required():
        return "required"
    value = field.default
    if value is None or value in ((), {}) or isinstance(value, BaseModel):
        return ""
    return f"`{value.value if isinstance(value, Enum) else value}`"


@pytest.mark.parametrize(("title", "model"), TABLES.items(), ids=str)
def test_a_table_holds_every_key_with_its_default(title: str, model: type[BaseModel]) -> None:
    written = [(key.strip("`"), standard) for key, standard, _ in rows(title)]
    assert written == [(key, default(model, key)) for key in model.model_fields]


@pytest.mark.parametrize(("title", "model"), TABLES.items(), ids=str)
def test_a_table_names_the_values_of_choices(title: str, model: type[BaseModel]) -> None:
    said = {key.strip("`"): meaning for key, _, meaning in rows(title)}
    for key, field in model.model_fields.items():
        for value in _choices(field.annotation):
            # what a port is exposed to is told once, under models
            assert f"`{value}`" in said[key] or said[key] == "as for models", f"{title}: {key}"


def _choices(annotation: object) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (item.value for item in annotation)
    elif typing.get_origin(annotation) is typing.Literal:
        yield from map(str, typing.get_args(annotation))
    else:
        for inner in typing.get_args(annotation):
            if typing.get_origin(annotation) is not dict:
                yield from _choices(inner)


def test_every_part_of_the_schema_has_a_table() -> None:
    wanted = {*parts(schema.Blueprint), *parts(schema.Inventory)}
    assert wanted == set(TABLES.values())


def test_every_verb_has_a_line_and_an_example() -> None:
    names = [verb.name for verb in VERBS]
    assert sorted(row[0].strip("`") for row in rows("Commands")) == sorted(names)
    shown = [step.command for step in steps(README)]
    for name in names:
        assert any(command.startswith(f"planner {name} ") for command in shown), name


def test_every_exit_code_has_a_line() -> None:
    codes = {0, 2} | {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.PlannerError)
    }
    assert {int(row[0]) for row in rows("Exit codes")} == codes


def test_every_environment_variable_has_a_line() -> None:
    written = {row[0].strip("`") for row in rows("Environment variables")}
    assert written == _read_by_planner()


def _read_by_planner() -> set[str]:
    """Names that the code asks the environment for, less those that belong to the system."""
    found: set[str] = set()
    for path in (ROOT / "planner").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                found |= _asked(node)
            if isinstance(node, ast.Compare) and "environ" in ast.unparse(node):
                found |= _texts(node.left)
    return found - {"TERM", "SSH_AUTH_SOCK"}


def _asked(call: ast.Call) -> set[str]:
    of = ast.unparse(call.func)
    if of.endswith("environ.get") and call.args:
        return _texts(call.args[0])
    return set()


def _texts(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_engine_that_can_be_written_is_named() -> None:
    meaning = next(row[2] for row in rows("`models.<name>`") if row[0] == "`engine`")
    assert re.findall(r"`([^`]+)`", meaning) == sorted(engine_names(), key=meaning.index)


def test_the_pages_name_no_path_of_one_machine() -> None:
    for page in (README, *(ROOT / "docs").glob("*")):
        assert not re.search(r"/(home|root|work|tmp)/", page.read_text()), page.name
