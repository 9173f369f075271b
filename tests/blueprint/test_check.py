"""All mistakes in one run, each with place, path, value and advice."""

from __future__ import annotations

import textwrap

import pytest

from planner.blueprint.check import check_blueprint, check_inventory
from planner.blueprint.document import Document
from planner.blueprint.references import check_references
from planner.blueprint.schema import Exposure, Tier
from planner.diagnostics import Diagnostic
from planner.money import parse_rate
from planner.sources.yaml_text import read_yaml
from planner.units import GIB


def document(text: str) -> Document:
    found, faults = read_yaml(textwrap.dedent(text), "b.yaml")
    assert not faults
    assert found is not None
    return found


def mistakes(text: str) -> dict[str, Diagnostic]:
    return {item.where: item for item in check_blueprint(document(text)).diagnostics}


def test_a_short_blueprint_has_a_default_for_everything_else() -> None:
    checked = check_blueprint(
        document(
            """\
            planner: 1
            project: home
            hosts:
              box: {address: me@192.168.1.10, gpus: [rtx-4090], ram: 64GiB}
            models:
              chat: {source: Qwen/Qwen3-8B, quant: fp8, context: 32k}
            """
        )
    )
    assert not checked.diagnostics
    assert checked.blueprint is not None
    chat = checked.blueprint.models["chat"]
    assert chat.context == 32 * 1024
    assert chat.replicas == 1
    assert chat.expose is Exposure.LOOPBACK
    assert checked.blueprint.hosts["box"].ram == 64 * GIB


def test_ten_mistakes_are_all_named_in_one_run() -> None:
    found = mistakes(
        """\
        planner: 1
        project: Home Farm
        hots: {}
        hosts:
          box: {adress: me@1.2.3.4, ram: 64, sockets: 022}
          Brain: {address: x}
        models:
          chat: {quant: fp8, context: 32q, replicas: 1e3, adapters: {a: gpu}}
          other: 3
        budget: {monthly: 400}
        """
    )
    assert set(found) == {
        "project",
        "hots",
        "hosts.box.adress",
        "hosts.box.ram",
        "hosts.box.sockets",
        "hosts.Brain",
        "models.chat.source",
        "models.chat.context",
        "models.chat.replicas",
        "models.chat.adapters.a",
        "models.other",
        "budget.monthly",
    }
    assert all(item.position and item.position.file == "b.yaml" for item in found.values())
    assert all(item.advice for item in found.values())
    assert found["hots"].advice == "did you mean hosts?"
    assert found["hosts.box.adress"].advice == "did you mean address?"
    assert str(found["hosts.box.ram"].position) == "b.yaml:5:34"
    assert found["hosts.box.ram"].value == "64"
    assert found["hosts.box.sockets"].advice == "write 22, without quotes or leading zeros"
    assert found["models.chat.replicas"].advice == "write 1000"


def test_mistakes_come_in_the_order_of_the_file() -> None:
    found = check_blueprint(document("projekt: a\nplaner: 1\nmodels: {a: {sorce: x}}\n"))
    lines = [item.position.line for item in found.diagnostics if item.position]
    assert lines == sorted(lines)


def test_a_wrong_part_does_not_hide_the_others_from_later_stages() -> None:
    checked = check_blueprint(
        document(
            """\
            planner: 1
            project: home
            hosts: {box: {address: a@b, gpus: [rtx-4909], ram: lots}}
            """
        )
    )
    assert checked.blueprint is None
    assert checked.partial is not None
    assert checked.partial.hosts["box"].gpus[0].name == "rtx-4909"


@pytest.mark.parametrize("text", ["[]", "planner", "- a\n- b", "42"])
def test_a_document_that_is_no_mapping(text: str) -> None:
    [finding] = check_blueprint(document(text)).diagnostics
    assert "is a mapping" in finding.summary


def test_lists_may_be_written_as_one_value() -> None:
    checked = check_blueprint(
        document(
            """\
            planner: 1
            project: home
            hosts: {box: {address: a@b, gpus: rtx-4090}}
            models: {chat: {source: a/b, on: box, adapters: [core]}}
            """
        )
    )
    assert checked.blueprint is not None
    chat = checked.blueprint.models["chat"]
    assert chat.on == ("box",)
    assert chat.adapters == {"core": Tier.VRAM}
    assert checked.blueprint.hosts["box"].gpus[0].name == "rtx-4090"


def test_names_that_yaml_would_change_stay_text() -> None:
    checked = check_blueprint(
        document("planner: 1\nproject: no\nhosts: {on: {address: a@b}, off: {address: c@d}}\n")
    )
    assert checked.blueprint is not None
    assert checked.blueprint.project == "no"
    assert list(checked.blueprint.hosts) == ["on", "off"]


def test_an_image_is_a_reference_or_an_archive() -> None:
    found = mistakes("planner: 1\nproject: a\nmodels: {m: {source: a/b, image: {archiv: x.tar}}}\n")
    assert found["models.m.image.archiv"].advice == "did you mean archive?"
    assert "models.m.image" not in found


def test_an_inventory_is_checked_the_same_way() -> None:
    inventory, found = check_inventory(document("planner: 1\nhosts: {box: {adress: x}}\n"))
    assert inventory is None
    assert found[0].advice == "did you mean address?"


def references(text: str, hosts: tuple[str, ...] = ()) -> dict[str, Diagnostic]:
    return {item.where: item for item in check_references(document(text), hosts)}


def test_every_name_must_be_written_somewhere() -> None:
    found = references(
        """\
        hosts: {box: {within: bax}}
        models: {chat: {on: [box, coder], near: shelf, adapters: {core: vram}}}
        stores: {shelf: {on: bx, embed_with: embed}}
        roles: {wise: {model: chta, adapter: core, knowledge: books, fallback: fool}}
        services: {n8n: {on: vm}}
        gateway: {on: vm, clients: {phone: {roles: [wize], models: [chta]}, desk: {}}}
        """,
        hosts=("vm",),
    )
    assert set(found) == {
        "hosts.box.within",
        "models.chat.on[1]",
        "models.chat.adapters.core",
        "stores.shelf.on",
        "stores.shelf.embed_with",
        "roles.wise.model",
        "roles.wise.adapter",
        "roles.wise.knowledge",
        "roles.wise.fallback",
        "gateway.clients.phone.roles[0]",
        "gateway.clients.phone.models[0]",
    }
    assert found["gateway.clients.phone.roles[0]"].advice == "did you mean wise?"
    assert found["hosts.box.within"].advice == "did you mean box?"
    assert found["roles.wise.model"].advice == "did you mean chat?"


def test_circles_are_refused() -> None:
    found = references("hosts: {a: {within: b}, b: {within: a}}\nroles: {x: {fallback: x}}\n")
    assert "a -> b -> a" in found["hosts.a.within"].summary
    assert "roles.x.fallback" in found


def test_a_role_uses_an_adapter_that_its_model_carries() -> None:
    found = references(
        "models: {chat: {adapters: {}}}\nadapters: {core: {}}\n"
        "roles: {wise: {model: chat, adapter: core}}\n"
    )
    assert found["roles.wise.adapter"].advice == "add it: models.chat.adapters: {core: vram}"


def test_each_of_several_adapters_must_be_carried() -> None:
    found = references(
        "models: {chat: {adapters: {core: vram}}}\nadapters: {core: {}, sport: {}}\n"
        "roles: {wise: {model: chat, adapter: [core, sport, nothing]}}\n"
    )
    assert sorted(found) == ["roles.wise.adapter[1]", "roles.wise.adapter[2]"]
    assert "does not carry adapter 'sport'" in found["roles.wise.adapter[1]"].summary
    assert "no adapter named 'nothing'" in found["roles.wise.adapter[2]"].summary


def test_a_price_without_its_unit_is_written_out_with_it() -> None:
    with pytest.raises(ValueError, match=r"write it as 0\.37 EUR/kWh"):
        parse_rate("0.37 EUR", "kWh")
    with pytest.raises(ValueError, match=r"write it as 0\.80 USD/h"):
        parse_rate("cheap", "h")


def test_prices_carry_their_currency_and_unit() -> None:
    checked = check_blueprint(
        document(
            "planner: 1\nproject: a\n"
            "hosts: {c: {rent: {provider: runpod, gpu: rtx-4090, at_most: 0.80 USD/h}}}\n"
        )
    )
    assert checked.blueprint is not None
    rent = checked.blueprint.hosts["c"].rent
    assert rent is not None
    assert rent.at_most == parse_rate("0.80 USD/h", "h")


def test_what_the_weights_fix_is_refused_with_a_sentence_that_teaches_why() -> None:
    found = mistakes(
        """\
        planner: 1
        project: home
        hosts: {box: {address: local}}
        models: {a: {source: Qwen/Qwen3-8B, hidden_size: 8192, num_attention_heads: 64}}
        """
    )
    wide, heads = found["models.a.hidden_size"], found["models.a.num_attention_heads"]
    assert wide.summary == "a model's weights fix its hidden size"
    assert "training a new model" in (wide.detail or "")
    assert "experts_per_token" in (wide.advice or "")
    assert "for one more there are no weights" in (heads.detail or "")
