"""Adapters as options: named, in order, and only those an engine can load."""

from __future__ import annotations

import json
from typing import Any

from planner.blueprint.schema import Tier
from planner.engines.arguments import arguments, check_arguments
from planner.engines.engine import AdapterFormat
from planner.farm import FarmAdapter, LocalAdapter, LocalFile
from tests.engines.launches import engine_of, launch, one_card, rows_of, value

CORE = FarmAdapter("core", Tier.VRAM, 24)
SPORT = FarmAdapter("sport", Tier.RAM, 16)
ARCHIVE = FarmAdapter("archive", Tier.DISK, 16)


def line(name: str, *adapters: FarmAdapter, **kwargs: Any) -> list[str]:
    """The command line of a replica that carries them, each at /adapters/<name>."""
    fields = {"adapters": adapters, "adapter_slots": 1, "adapter_rank": 24}
    told = launch(name, one_card(), fields=fields, **kwargs)
    paths = tuple((item.name, f"/adapters/{item.name}") for item in adapters)
    return list(arguments(engine_of(name), told._replace(adapters=paths)))


def test_llama_cpp_loads_all_at_scale_0_so_that_the_plain_name_is_the_base() -> None:
    words = line("llama.cpp", CORE, SPORT)
    assert value(words, "--lora-scaled") == "/adapters/core:0,/adapters/sport:0"
    assert "--lora" not in words
    assert "--lora-init-without-apply" not in words


def test_vllm_names_every_adapter_those_of_the_disk_too() -> None:
    words = line("vllm", CORE, SPORT, ARCHIVE)
    assert value(words, "--max-loras") == "1"
    assert value(words, "--max-cpu-loras") == "3"
    assert value(words, "--max-lora-rank") == "32"
    at = words.index("--lora-modules")
    assert words[at + 1 : at + 4] == [
        "core=/adapters/core",
        "sport=/adapters/sport",
        "archive=/adapters/archive",
    ]


def test_what_the_owner_sets_replaces_every_word_of_it() -> None:
    own = ["--lora-modules", "mine=/mine"]
    words = line("vllm", CORE, SPORT, extra_args=own)
    assert words[-2:] == own
    assert "sport=/adapters/sport" not in words


def test_sglang_takes_slots_of_the_written_rank() -> None:
    words = line("sglang", CORE, SPORT)
    assert "--enable-lora" in words
    assert value(words, "--max-lora-rank") == "24"
    at = words.index("--lora-paths")
    assert words[at + 1 : at + 3] == ["core=/adapters/core", "sport=/adapters/sport"]


def test_sglang_refuses_what_it_would_load_at_request() -> None:
    told = launch("sglang", one_card(), fields={"adapters": (CORE, ARCHIVE)})
    (found,) = check_arguments(engine_of("sglang"), told)
    assert found.summary == "sglang loads no adapter at request: archive"


def test_without_adapters_nothing_is_said_of_them() -> None:
    for name in ("llama.cpp", "vllm", "sglang"):
        assert not [word for word in line(name) if "lora" in word]


def test_every_version_knows_the_options() -> None:
    for name in ("llama.cpp", "vllm", "sglang"):
        assert engine_of(name).adapters in AdapterFormat
        for row in rows_of(name):
            told = launch(name, one_card(), version=row.version, fields={"adapters": (CORE,)})
            told = told._replace(adapters=(("core", "/adapters/core"),))
            assert check_arguments(engine_of(name), told) == ()


def test_several_at_once_where_the_engine_adds_them_up() -> None:
    fields = {"adapters": (CORE, SPORT, ARCHIVE), "adapter_slots": 1, "adapter_rank": 24}
    model = launch("llama.cpp", one_card(), fields=fields).placed.model
    naming = engine_of("llama.cpp").naming(model, ("core", "archive"))
    assert naming is not None
    assert json.loads(naming.body)["lora"] == [
        {"id": 0, "scale": 1},
        {"id": 1, "scale": 0},
        {"id": 2, "scale": 1},
    ]
    for name in ("vllm", "sglang", "tgi", "lorax"):
        told = launch(name, one_card(), fields=fields).placed.model
        assert engine_of(name).naming(told, ("core", "archive")) is None
    one = engine_of("sglang").naming(model, ("core",))
    assert one is not None
    assert one.model == "chat:core"


def test_lorax_is_asked_by_the_folder_that_holds_the_files() -> None:
    local = LocalAdapter((LocalFile("/here/adapter_config.json", 9, "a" * 64),), folder=True)
    carried = (CORE._replace(local=local), SPORT)
    told = launch("lorax", one_card(), fields={"adapters": carried}).placed.model
    naming = engine_of("lorax").naming(told, ("core",))
    assert naming is not None
    assert naming.model == f"/adapters/{local.digest}"
    changed = local._replace(files=(local.files[0]._replace(sha256="b" * 64),))
    assert changed.digest != local.digest
    assert engine_of("lorax").naming(told, ("sport",)) is None  # its files are not here
