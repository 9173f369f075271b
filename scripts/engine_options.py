"""Writes planner/engines/data/options/<engine>.yaml: the options each version of an engine has.

They are read from the engine's own package or source, which is parsed and never run:

    python scripts/engine_options.py vllm 0.33.0 0.32.0     fetched from the package index
    python scripts/engine_options.py vllm --packages FOLDER every wheel that lies there
    python scripts/engine_options.py ollama 0.32.15=FOLDER  a folder with that version's source
    python scripts/engine_options.py llama.cpp 0.7.0=FILE   what `llama-server --help` printed

Versions that the file has already and that are not named are kept. The newest version is written
whole, each other one as what it has beyond the version above it and what it lacks of that.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from planner.engines.options import order, parse_options

DATA: Final = Path(__file__).parents[1] / "planner" / "engines" / "data" / "options"
Sources = Iterable[str]


class Recipe(NamedTuple):
    """How to read an engine: which files (a pattern of their paths), and what options they name.

    ``where`` says where the text is from, with ``{version}`` in its place.
    """

    files: str
    read: Callable[[Sources], set[str]]
    where: str


class Row(NamedTuple):
    """One version's options."""

    version: str
    date: str
    source: str
    options: frozenset[str]


def argparse_options(texts: Sources) -> set[str]:
    """First arguments of every ``add_argument`` call, and the fields that become options.

    Fields of classes named ...FrontendArgs are options by themselves; elsewhere those annotated
    with ``A[type, help]`` are, where ``Arg(...)`` may give other names.
    """
    found: set[str] = set()
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and _called(node) == "add_argument":
                found |= set(_dashed(node.args))
            elif isinstance(node, ast.ClassDef):
                found |= set(_fields(node))
    return found


def typer_options(texts: Sources) -> set[str]:
    """Parameters of the function ``v2``, each an option."""
    found: set[str] = set()
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.name == "v2":
                found |= {_kebab(item.arg) for item in (*node.args.args, *node.args.kwonlyargs)}
    return found


def settings_options(texts: Sources) -> set[str]:
    """Environment variables of pydantic settings: the fields of ``Config``, and those within."""
    classes: dict[str, ast.ClassDef] = {}
    for text in texts:
        # aliases of types are written as newer Pythons read them
        tree = ast.parse(re.sub(r"(?m)^type (?=\w+ = )", "", text))
        classes |= {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    found: set[str] = set()
    for field in _annotated(classes["Config"]):
        name, kind = ast.unparse(field.target), ast.unparse(field.annotation)
        alias = re.search(r"alias='(\w+)'", ast.unparse(field.value)) if field.value else None
        found.add(alias[1] if alias else name.upper())
        if kind in classes:
            inner = (ast.unparse(item.target) for item in _annotated(classes[kind]))
            found |= {f"{name}__{item}".upper() for item in inner}
    return found


def clap_options(texts: Sources) -> set[str]:
    """Fields of ``struct Args`` that clap makes options of."""
    found: set[str] = set()
    for text in texts:
        body = re.search(r"struct Args \{(.*?)\n\}", text, re.DOTALL)
        field = r"#\[clap\(([^\]]*)\)\]\s+(?:#\[[^\]]*\]\s+)*(?:pub )?(\w+):"
        for attributes, name in re.findall(field, body[1] if body else ""):
            if not re.search(r"\blong\b", attributes):
                continue
            written = re.search(r'\blong\s*=\s*"([^"]+)"', attributes)
            found.add(f"--{written[1]}" if written else _kebab(name))
            if re.search(r"\bshort\b", attributes):
                found.add(f"-{name[0]}")
    return found


def help_options(texts: Sources) -> set[str]:
    """Options at the beginning of a line of ``--help``; without those that were removed."""
    found: set[str] = set()
    for text in texts:
        for block in re.split(r"\n(?=-)", text):
            names = re.match(r"(?:-[-\w.]+(?: [A-Z<{\[][^ ,]*| \S+\.\.\.)?(?:,\s+|\s))+", block)
            if names and "argument has been removed" not in block:
                found |= set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w.-]*", names[0]))
    return found


def compared_options(texts: Sources) -> set[str]:
    """Texts that a C++ parser compares its ``arg`` with."""
    return {name for text in texts for name in re.findall(r'\barg == "(--?[a-zA-Z][\w.-]*)"', text)}


def go_variables(texts: Sources) -> set[str]:
    """Environment variables that the table of a Go source names."""
    return {name for text in texts for name in re.findall(r'^\s*"(OLLAMA_\w+)":', text, re.M)}


_WHEEL: Final = "the wheel of {package} {version}, from the Python package index"
RECIPES: Final[Mapping[str, Recipe]] = {
    "vllm": Recipe(
        r"vllm/(engine/arg_utils|entrypoints/(openai|launchers|common)/cli_args|entrypoints/cli/serve"
        r"|entrypoints/openai/api_server)\.py",
        argparse_options,
        _WHEEL.replace("{package}", "vllm"),
    ),
    "sglang": Recipe(
        r"sglang/srt/(server_args|arg_groups/fields/\w+)\.py",
        argparse_options,
        _WHEEL.replace("{package}", "sglang"),
    ),
    "infinity": Recipe(
        r"infinity_emb/cli\.py", typer_options, _WHEEL.replace("{package}", "infinity-emb")
    ),
    "llama.cpp": Recipe(r".*", help_options, "llama-server --help of Debian's {version}"),
    "ik_llama.cpp": Recipe(
        r"common/common\.cpp",
        compared_options,
        "https://github.com/ikawrakow/ik_llama.cpp/blob/{version}/common/common.cpp",
    ),
    "ollama": Recipe(
        r"envconfig/config\.go",
        go_variables,
        "https://github.com/ollama/ollama/blob/v{version}/envconfig/config.go",
    ),
    "tgi": Recipe(
        r"launcher/src/main\.rs",
        clap_options,
        "https://github.com/huggingface/text-generation-inference/blob/v{version}/launcher/src/main.rs",
    ),
    "lorax": Recipe(
        r"launcher/src/main\.rs",
        clap_options,
        "https://github.com/predibase/lorax/blob/v{version}/launcher/src/main.rs",
    ),
    "text-embeddings-inference": Recipe(
        r"router/src/main\.rs",
        clap_options,
        "https://github.com/huggingface/text-embeddings-inference/blob/v{version}/router/src/main.rs",
    ),
    "speaches": Recipe(
        r"src/speaches/config\.py",
        settings_options,
        "https://github.com/speaches-ai/speaches/blob/v{version}/src/speaches/config.py",
    ),
    "comfyui": Recipe(
        r"comfy/cli_args\.py",
        argparse_options,
        "https://github.com/Comfy-Org/ComfyUI/blob/v{version}/comfy/cli_args.py",
    ),
    "text-generation-webui": Recipe(
        r"modules/shared\.py",
        argparse_options,
        "https://github.com/oobabooga/text-generation-webui/blob/v{version}/modules/shared.py",
    ),
}
_PACKAGES: Final = {"vllm": "vllm", "sglang": "sglang", "infinity": "infinity-emb"}


def read_row(
    engine: str, version: str, place: Path, read_on: str, source: str | None = None
) -> Row:
    """The options of a version in a wheel, a folder or a file. Raises ValueError for none."""
    recipe = RECIPES[engine]
    when, texts = _texts(place, recipe.files)
    found = frozenset(recipe.read(texts))
    if not found:
        raise ValueError(f"{place} names no options of {engine}")
    where = source or recipe.where.format(version=version)
    return Row(version, when or read_on, where, found)


def download(engine: str, version: str, folder: Path) -> Path:
    """The wheel of a version, by pip. Raises subprocess.CalledProcessError when there is none."""
    wanted = f"{_PACKAGES[engine]}=={version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder), wanted]
    subprocess.run(command, check=True)
    [wheel] = (path for path in folder.glob("*.whl") if wheel_version(path) == version)
    return wheel


def wheel_version(path: Path) -> str:
    """The version in a wheel's name."""
    return path.name.split("-")[1]


def to_text(engine: str, rows: Iterable[Row]) -> str:
    """The file's text: newest first, differences after the first."""
    lines = [
        "# Written by scripts/engine_options.py: the options of each version. The first has all of",
        "# its own, each other one what it has beyond the one above it, and what it lacks of that.",
        f"engine: {engine}",
        "versions:",
    ]
    above: frozenset[str] | None = None
    for row in sorted(rows, key=lambda row: order(row.version), reverse=True):
        lines += [f'  - version: "{row.version}"', f"    date: {row.date}"]
        lines.append(f"    source: {json.dumps(row.source)}")
        parts = {"options": row.options} if above is None else {
            "beyond": row.options - above, "lacks": above - row.options}  # fmt: skip
        for key, names in parts.items():
            if names:
                text = " ".join(sorted(names))
                fill = textwrap.wrap(text, 92, break_long_words=False, break_on_hyphens=False)
                lines += [f"    {key}: >-", *(f"      {line}" for line in fill)]
        above = row.options
    return "\n".join(lines) + "\n"


def _texts(place: Path, pattern: str) -> tuple[str | None, list[str]]:
    if place.suffix == ".whl":
        with zipfile.ZipFile(place) as wheel:
            names = sorted(n for n in wheel.namelist() if re.fullmatch(pattern, n))
            newest = max(wheel.getinfo(name).date_time for name in names)
            when = None if newest[0] < 2021 else date(*newest[:3]).isoformat()
            return when, [wheel.read(name).decode() for name in names]
    if place.is_file():
        return None, [place.read_text()]
    paths = sorted(path for path in place.rglob("*") if path.is_file())
    chosen = [p for p in paths if re.fullmatch(pattern, p.relative_to(place).as_posix())]
    return None, [path.read_text() for path in chosen]


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _dashed(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and str(node.value).startswith("-"):
            yield str(node.value)


def _annotated(owner: ast.ClassDef) -> Iterator[ast.AnnAssign]:
    for node in owner.body:
        if isinstance(node, ast.AnnAssign) and not ast.unparse(node.target).startswith("_"):
            yield node


def _fields(owner: ast.ClassDef) -> Iterator[str]:
    for field in _annotated(owner):
        name, kind = ast.unparse(field.target), field.annotation
        if owner.name.endswith("FrontendArgs"):
            yield _kebab(name)
        elif isinstance(kind, ast.Subscript) and ast.unparse(kind.value) == "A":
            told = {
                word.arg: word.value
                for node in ast.walk(kind.slice)
                if isinstance(node, ast.Call)
                for word in node.keywords
            }
            if "no_cli" in told and ast.unparse(told["no_cli"]) == "True":
                continue
            named = told.get("cli_name")
            yield str(named.value) if isinstance(named, ast.Constant) else _kebab(name)
            if isinstance(told.get("aliases"), ast.List):
                yield from _dashed(told["aliases"].elts)  # type: ignore[attr-defined]


def _kebab(name: str) -> str:
    return "--" + name.replace("_", "-")


def _wanted(words: Iterable[str], engine: str, folder: Path) -> Iterator[tuple[str, Path]]:
    for word in words:
        version, given, place = word.partition("=")
        yield version, Path(place) if given else download(engine, version, folder)


def main() -> None:
    """Write one engine's file anew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("engine", choices=RECIPES)
    parser.add_argument("versions", nargs="*", metavar="VERSION[=PLACE]")
    parser.add_argument("--packages", type=Path, help="a folder of wheels")
    parser.add_argument("--source", help="where the text is from, instead of the usual place")
    parser.add_argument("--read-on", default=date.today().isoformat(), help="where files say none")
    told = parser.parse_args()
    target = DATA / f"{told.engine}.yaml"
    rows = {}
    if target.exists():
        kept = parse_options(target.read_text(), target.name).values()
        rows = {
            item.version: Row(item.version, item.date, item.source, item.options) for item in kept
        }
    with tempfile.TemporaryDirectory() as folder:
        words = [*_wanted(told.versions, told.engine, Path(folder))]
        if told.packages:
            package = _PACKAGES[told.engine].replace("-", "_")
            found = told.packages.glob(f"{package}-*.whl")
            words += [(wheel_version(path), path) for path in found]
        for version, place in words:
            rows[version] = read_row(told.engine, version, place, told.read_on, told.source)
    target.write_text(to_text(told.engine, rows.values()))
    print(f"{target}: {len(rows)} versions")


if __name__ == "__main__":
    main()
