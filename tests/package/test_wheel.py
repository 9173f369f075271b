"""What people install: the wheel alone, in an empty folder, away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

Installed = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the backend itself: no network, no frontend."""
    folder = tmp_path_factory.mktemp("dist")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def contents(wheel: Path) -> dict[str, bytes]:
    """What lies in the wheel, by path."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def planner(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Runs the installed planner; the checkout is nowhere on its path."""
    place = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    # the other packages stand where this Python has them; its .pth files, which name the checkout,
    # are read by -S no more
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    path = os.pathsep.join([str(place), *sorted(libraries)])

    def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
        start = f"import planner; assert planner.__file__.startswith({str(place)!r}), planner\n"
        start += "from planner.cli.main import main; main()"
        return subprocess.run(
            [sys.executable, "-S", "-c", start, *words],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "HOME": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def shipped(folder: str, *patterns: str) -> set[str]:
    """Files of the checkout, by their path in it."""
    base = ROOT / folder
    return {str(path.relative_to(ROOT)) for pattern in patterns for path in base.rglob(pattern)}


def test_it_holds_every_row_and_script(contents: dict[str, bytes]) -> None:
    wanted = shipped("planner", "*.py", "*.yaml", "*.sh")
    assert len(wanted) > 250
    assert wanted <= set(contents)


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("templates", "*.j2"),
        ("blueprints", "*.yaml"),
        ("blueprints/prompts", "*.md"),
        ("inventory", "*.yaml"),
    ],
)
def test_it_holds_what_stands_at_the_top(
    contents: dict[str, bytes], folder: str, pattern: str
) -> None:
    wanted = shipped(folder, pattern)
    assert wanted
    for name in wanted:
        assert contents[f"planner/_shipped/{name}"] == (ROOT / name).read_bytes()


def test_it_holds_nothing_else(contents: dict[str, bytes]) -> None:
    """No tests, caches, records or keys of whoever built it."""
    kinds = (".py", ".yaml", ".sh", ".j2", ".typed")
    others = [name for name in contents if ".dist-info/" not in name and not name.endswith(kinds)]
    prompts = "planner/_shipped/blueprints/prompts/"
    assert [name for name in others if not (name.startswith(prompts) and name[-3:] == ".md")] == []
    roots = {name.split("/")[0] for name in contents}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"planner"}


def test_it_says_what_it_is(contents: dict[str, bytes]) -> None:
    name = next(name for name in contents if name.endswith(".dist-info/METADATA"))
    said = Parser().parsestr(contents[name].decode())
    assert said["Name"] == "llm-farm-planner"
    assert said["Requires-Python"] == ">=3.11"
    assert "one YAML file into a running private LLM farm" in str(said.get_payload())
    scripts = next(name for name in contents if name.endswith("entry_points.txt"))
    assert "planner = planner.cli.main:main" in contents[scripts].decode()


def test_two_builds_are_the_same(wheel: Path, tmp_path: Path) -> None:
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_an_editable_install_leads_to_the_checkout(tmp_path: Path) -> None:
    """As scripts/test and scripts/demo install it."""
    build = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as archive:
        links = [archive.read(name) for name in archive.namelist() if name.endswith(".pth")]
    assert links == [str(ROOT).encode()]


def test_the_verbs_that_read_files_work_in_an_empty_folder(
    planner: Installed, tmp_path: Path
) -> None:
    for words in (
        ["init", "home.yaml"],
        ["validate", "home.yaml"],
        ["size", "home.yaml"],
        ["cost", "estimate", "home.yaml"],
        ["fit", "Qwen/Qwen3-8B", "--on", "rtx-4090", "--quant", "fp8"],
        [
            "fit",
            "Qwen3-30B-A3B",
            "--on",
            "epyc-9374f",
            "--engine",
            "llama.cpp",
            "--quant",
            "Q4_K_M",
        ],
    ):
        done = planner(*words, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    drawn = planner("schema", folder=tmp_path)
    assert json.loads(drawn.stdout)["title"] == "planner blueprint"


def test_it_renders_from_an_empty_folder(planner: Installed, tmp_path: Path) -> None:
    digest = "0" * 64
    (tmp_path / "tiny.gguf").write_bytes(_tiny_gguf())
    (tmp_path / "farm.yaml").write_text(
        "planner: 1\nproject: farm\n"
        "hosts: {box: {address: local, ram: 8GiB, disk: 10GB}}\n"
        "models: {chat: {source: ./tiny.gguf, engine: llama.cpp, context: 1k, "
        f"image: registry.example/llama@sha256:{digest}}}}}\n"
    )
    done = planner("render", "farm.yaml", "--output", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"llama@sha256:{digest}" in (tmp_path / "out/box/compose.yaml").read_text()


def _tiny_gguf() -> bytes:
    from tempfile import TemporaryDirectory

    from tests.helpers.tiny_gguf import write_tiny_gguf

    with TemporaryDirectory() as folder:
        return write_tiny_gguf(Path(folder) / "tiny.gguf").read_bytes()
