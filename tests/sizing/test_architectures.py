"""Parameters are counted from configs, to the last one."""

from __future__ import annotations

import pytest

from planner.catalogue.find_model import model_ids, model_row
from planner.catalogue.shapes import all_shapes
from planner.sizing.architecture import LayerKind, UnknownArchitecture
from planner.sizing.architectures import architecture_of
from tests.sizing.models import SHIPPED, architecture

SHAPES = {shape.id: shape for shape in all_shapes(SHIPPED)}


@pytest.mark.parametrize("model", model_ids(SHIPPED))
def test_parameters_of_every_catalogue_row(model: str) -> None:
    facts, built = model_row(SHIPPED, model), architecture(model)
    assert built.parameters == facts.params.total
    assert built.vision_parameters == facts.params.vision
    if facts.params.active is not None:
        assert built.active_parameters == facts.params.active


@pytest.mark.parametrize("model", SHAPES)
def test_parameters_of_every_shape(model: str) -> None:
    shape = SHAPES[model]
    built = architecture_of(shape.config, shape.architecture)
    assert built.parameters == shape.parameters


@pytest.mark.parametrize(
    ("model", "text_millions"),
    [  # parameters that llama-bench prints for files of these models, in millions
        ("google/gemma-4-31B-it", 30_700),
        ("google/gemma-4-26B-A4B-it", 25_230),
        ("nvidia/NVIDIA-Nemotron-3-Super-120B-A12B", 120_670),
        ("MiniMaxAI/MiniMax-M2.5", 228_690),
        ("zai-org/GLM-4.7-Flash", 29_940),
        ("mistralai/Ministral-3-14B-Instruct-2512", 13_510),
        ("zai-org/GLM-Z1-32B-0414", 32_570),
    ],
)
def test_shapes_agree_with_what_engines_print(model: str, text_millions: int) -> None:
    built = architecture(model)
    text = built.parameters - built.vision_parameters
    assert abs(text / 1e6 - text_millions) <= 5


def test_layer_kinds() -> None:
    gemma = architecture("google/gemma-3-27b-it").layers
    assert sum(layer.kind is LayerKind.FULL for layer in gemma) == 10
    assert {layer.window for layer in gemma if layer.kind is LayerKind.SLIDING} == {1024}
    hybrid = architecture("Qwen/Qwen3.5-27B").layers
    assert sum(layer.kind is LayerKind.LINEAR for layer in hybrid) == 48
    latent = architecture("deepseek-ai/DeepSeek-V3").layers
    assert all(layer.kind is LayerKind.LATENT and layer.key_width == 576 for layer in latent)


def test_a_config_of_an_unknown_class_is_refused() -> None:
    with pytest.raises(UnknownArchitecture, match="MambaForCausalLM"):
        architecture_of({"architectures": ["MambaForCausalLM"], "model_type": "mamba"})


def test_a_config_that_lacks_a_field_is_refused() -> None:
    with pytest.raises(UnknownArchitecture, match="hidden_size"):
        architecture_of({"model_type": "llama", "num_hidden_layers": 2})
