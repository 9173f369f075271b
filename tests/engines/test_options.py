"""The options of each version are what the engines' own packages define."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.engines.options import EngineDataError, parse_options, versions_with
from planner.sources.templates import load_templates
from scripts import engine_options as script
from tests.farm import llama
from tests.farm.layout import Layout

TEMPLATES = load_templates()


def test_options_that_argparse_is_told() -> None:
    text = """
group.add_argument("--model", "-m", help="a")
parser.add_argument("model_tag")
parser.other("--not-one")
@config
class FrontendArgs:
    max_log_len: int | None = None
    _hidden: int = 0
class Config:
    plain: int = 1
class Lora:
    lora_paths: A[list, Arg(help="x", aliases=["--adapters"])] = None
    secret: A[int, Arg(help="x", no_cli=True)] = 0
    short: A[int, Arg(help="x", cli_name="--s-h-o-r-t")] = 0
    plain_help: A[int, "help"] = 0
"""
    assert script.argparse_options([text]) == {
        *("--model", "-m", "--max-log-len", "--lora-paths", "--adapters", "--s-h-o-r-t"),
        "--plain-help",
    }


def test_parameters_of_the_command_that_is_served() -> None:
    text = "def v1(old: int): ...\ndef v2(model_id: str = 'a', *, port: int = 1): ..."
    assert script.typer_options([text]) == {"--model-id", "--port"}


def test_variables_of_settings() -> None:
    text = """
type Device = str
class Whisper(BaseModel):
    device_index: int = 0
class Config(BaseSettings):
    model_config = {}
    host: str = Field(alias="UVICORN_HOST", default="0.0.0.0")
    log_level: str = "x"
    whisper: Whisper = Whisper()
"""
    assert script.settings_options([text]) == {
        *("UVICORN_HOST", "LOG_LEVEL", "WHISPER", "WHISPER__DEVICE_INDEX"),
    }


def test_fields_that_clap_makes_options_of() -> None:
    text = """
struct Other {
    #[clap(long)]
    no: bool,
}
struct Args {
    /// a comment with [brackets]
    #[clap(default_value = "3000", long, short, env)]
    port: u16,
    #[clap(long, env)]
    #[redact(partial)]
    hf_token: Option<String>,
    #[clap(long = "named")]
    field: bool,
    #[clap(default_value = "x")]
    positional: String,
}
"""
    assert script.clap_options([text]) == {"--port", "-p", "--hf-token", "--named"}


def test_options_of_a_help_text() -> None:
    text = """
----- common params -----

-h,    --help, --usage                  print usage and exit
--version                               show --nothing of it
-t,    --threads N                      number of CPU threads, see --threads-batch
-fa,   --flash-attn [on|off|auto]       a
--cpu-strict <0|1>                      b
--spec-draft-n-max, --draft N           c
--old N                                 the argument has been removed. use --new
"""
    assert script.help_options([text]) == {
        *("-h", "--help", "--usage", "--version", "-t", "--threads", "-fa", "--flash-attn"),
        *("--cpu-strict", "--spec-draft-n-max", "--draft"),
    }


def test_options_and_variables_of_other_languages() -> None:
    compared = 'if (arg == "-s" || arg == "--seed") {'
    assert script.compared_options([compared]) == {"-s", "--seed"}
    table = '\t"OLLAMA_HOST": {"OLLAMA_HOST", Host(), "see OLLAMA_OTHER"},\n'
    assert script.go_variables([table]) == {"OLLAMA_HOST"}


def test_what_is_written_is_read_back() -> None:
    rows = [
        script.Row("0.9.0", "2026-01-02", "here", frozenset({"--a", "--b"})),
        script.Row("0.10.0", "2026-02-03", "there: it is", frozenset({"--a", "--c"})),
        script.Row("0.8.1", "2025-12-31", "here", frozenset({"--b", "--a", "-x"})),
    ]
    found = parse_options(script.to_text("x", rows), "x")
    assert list(found) == ["0.10.0", "0.9.0", "0.8.1"]
    for row in rows:
        assert tuple(found[row.version]) == row


def test_versions_are_told_as_runs() -> None:
    rows = [
        script.Row(f"0.{minor}.0", "2026-01-01", "x", frozenset(options.split()))
        for minor, options in enumerate(["--a", "--a --b", "--b", "--a", "--b"])
    ]
    found = parse_options(script.to_text("x", rows), "x")
    assert versions_with(found, "--a") == "0.0.0 to 0.1.0, 0.3.0"
    assert versions_with(found, "--b") == "0.1.0 to 0.2.0, 0.4.0"
    assert versions_with(found, "--c") == ""


def test_a_broken_file_is_a_fault() -> None:
    with pytest.raises(EngineDataError, match=r"options/x\.yaml"):
        parse_options("versions: [{version: '1'}]", "options/x.yaml")


@pytest.mark.parametrize("engine", sorted(script.RECIPES))
def test_the_shipped_file_is_as_the_script_writes_it(engine: str) -> None:
    name = f"engines/options/{engine}.yaml"
    rows = [
        script.Row(item.version, item.date, item.source, item.options)
        for item in parse_options(TEMPLATES[name], name).values()
    ]
    assert script.to_text(engine, rows) == TEMPLATES[name]


Compare = Callable[[str, str, Path], None]


def compare(engine: str, version: str, place: Path) -> None:
    """The shipped row is what the script reads there."""
    shipped = parse_options(TEMPLATES[f"engines/options/{engine}.yaml"], engine)[version]
    read = script.read_row(engine, version, place, shipped.date, shipped.source)
    assert read.options == shipped.options
    assert read.date == shipped.date


@pytest.mark.farm
@pytest.mark.parametrize(
    ("engine", "version"),
    [("vllm", "0.33.0"), ("vllm", "0.12.0"), ("sglang", "0.5.23"), ("sglang", "0.5.9")],
)
def test_a_package_of_the_index_has_these_options(
    engine: str, version: str, tmp_path: Path
) -> None:
    """Some hundred MB: the newest, and one from before much was renamed."""
    try:
        wheel = script.download(engine, version, tmp_path)
    except subprocess.CalledProcessError as fault:
        pytest.fail(f"pip could not download {engine} {version}: {fault}")
    compare(engine, version, wheel)


@pytest.mark.farm
def test_the_installed_server_has_these_options(tmp_path: Path) -> None:
    archive = llama.ensure(Layout.from_environment())
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", root], check=True)
    asked = ["chroot", root, "/usr/bin/llama-server", "--help"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    text = tmp_path / "help.txt"
    text.write_text(told)
    compare("llama.cpp", "0.7.0", text)
