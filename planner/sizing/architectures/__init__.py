"""Architecture families, registered by the class name that a ``config.json`` carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from planner.sizing.architecture import Architecture, UnknownArchitecture
from planner.sizing.architectures import (
    decoder,
    encoders,
    gemma4,
    hybrid,
    latent,
    nemotron,
    others,
    vision,
)
from planner.sizing.architectures.parts import Config

Builder = Callable[[Config], Architecture]


def _with_images(
    text: Builder, tower: Callable[[Config, int], tuple[Any, ...]], tokens: int
) -> Builder:
    """A language model with an image encoder, from ``text_config`` and ``vision_config``."""

    def build(config: Config) -> Architecture:
        inner = config.get("text_config") or config
        base = text({"tie_word_embeddings": config.get("tie_word_embeddings"), **inner})
        seen = config.get("vision_config")
        if not seen:
            return base
        return replace(base, tensors=base.tensors + tower(seen, base.hidden), vision_tokens=tokens)

    return build


def _dense(style: decoder.Style) -> Builder:
    return lambda config: decoder.dense(config, style)


def _mixture(style: decoder.Style) -> Builder:
    return lambda config: decoder.mixture(config, style)


def _untied_none(builder: Builder) -> Builder:
    """Drop a ``tie_word_embeddings: null``, so that the family's own default counts."""

    def build(config: Config) -> Architecture:
        if "tie_word_embeddings" in config and config["tie_word_embeddings"] is None:
            config = {k: v for k, v in config.items() if k != "tie_word_embeddings"}
        return builder(config)

    return build


_GEMMA3: Final = _untied_none(_dense(decoder.GEMMA3))

FAMILIES: Final[dict[str, Builder]] = {
    "LlamaForCausalLM": _dense(decoder.LLAMA),
    "MistralForCausalLM": _dense(decoder.MISTRAL),
    "MixtralForCausalLM": _mixture(decoder.Style("mixtral")),
    "Qwen2ForCausalLM": _dense(decoder.QWEN2),
    "Qwen3ForCausalLM": _dense(decoder.QWEN3),
    "Qwen3Model": _dense(decoder.QWEN3_EMBEDDING),
    "Qwen3MoeForCausalLM": _mixture(
        decoder.Style("qwen3_moe", qkv_bias=None, output_bias=None, qk_norm=True)
    ),
    "Phi3ForCausalLM": _dense(decoder.PHI3),
    "Glm4ForCausalLM": _dense(decoder.GLM4),
    "Glm4MoeForCausalLM": decoder.glm4_moe,
    "Gemma2ForCausalLM": _dense(decoder.GEMMA2),
    "Gemma3ForCausalLM": _GEMMA3,
    "Gemma3ForConditionalGeneration": _with_images(_GEMMA3, vision.siglip, 256),
    "GptOssForCausalLM": decoder.gpt_oss,
    "DeepseekV2ForCausalLM": lambda config: latent.latent(config, "deepseek_v2"),
    "DeepseekV3ForCausalLM": lambda config: latent.latent(config, "deepseek_v3"),
    "Qwen3NextForCausalLM": lambda config: hybrid.text(config, "qwen3_next"),
    "Qwen3_5ForConditionalGeneration": lambda config: hybrid.with_vision(config, "qwen3_5"),
    "Qwen3_5MoeForConditionalGeneration": lambda config: hybrid.with_vision(config, "qwen3_5_moe"),
    "LlavaForConditionalGeneration": _with_images(_dense(decoder.LLAMA), vision.clip, 576),
    "Qwen2_5_VLForConditionalGeneration": _with_images(
        _dense(decoder.QWEN2), vision.qwen2_5, 16384
    ),
    "Mistral3ForConditionalGeneration": _with_images(_dense(decoder.MISTRAL), vision.pixtral, 3025),
    "MistralModel": _dense(decoder.MISTRAL_EMBEDDING),
    "Gemma4ForConditionalGeneration": _with_images(gemma4.text, gemma4.vision, 280),
    "NemotronHForCausalLM": nemotron.nemotron_h,
    "MiniMaxM2ForCausalLM": others.minimax_m2,
    "GlmMoeDsaForCausalLM": others.glm_dsa,
    "Glm4MoeLiteForCausalLM": lambda config: latent.latent(config, "glm4_moe_lite"),
    "Llama4ForConditionalGeneration": _with_images(others.llama4, vision.llama4, 2448),
    "Qwen3VLForConditionalGeneration": _with_images(_dense(decoder.QWEN3), vision.qwen3, 16384),
    "Qwen3VLMoeForConditionalGeneration": _with_images(
        _mixture(decoder.Style("qwen3_moe", qkv_bias=None, output_bias=None, qk_norm=True)),
        vision.qwen3,
        16384,
    ),
    "BertModel": lambda config: encoders.encoder(config, "bert"),
    "XLMRobertaModel": lambda config: encoders.encoder(config, "xlm-roberta"),
    "XLMRobertaForSequenceClassification": lambda config: encoders.reranker(config, "xlm-roberta"),
    "WhisperForConditionalGeneration": encoders.whisper,
}

_BY_MODEL_TYPE: Final = {
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "mistral3": "Mistral3ForConditionalGeneration",
    "mixtral": "MixtralForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "qwen3_moe": "Qwen3MoeForCausalLM",
    "qwen3_next": "Qwen3NextForCausalLM",
    "qwen3_5": "Qwen3_5ForConditionalGeneration",
    "qwen3_5_moe": "Qwen3_5MoeForConditionalGeneration",
    "qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration",
    "phi3": "Phi3ForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3": "Gemma3ForConditionalGeneration",
    "gemma3_text": "Gemma3ForCausalLM",
    "gpt_oss": "GptOssForCausalLM",
    "deepseek_v2": "DeepseekV2ForCausalLM",
    "deepseek_v3": "DeepseekV3ForCausalLM",
    "gemma4": "Gemma4ForConditionalGeneration",
    "nemotron_h": "NemotronHForCausalLM",
    "minimax_m2": "MiniMaxM2ForCausalLM",
    "glm_moe_dsa": "GlmMoeDsaForCausalLM",
    "glm4_moe_lite": "Glm4MoeLiteForCausalLM",
    "kimi_k2": "DeepseekV3ForCausalLM",
    "llama4": "Llama4ForConditionalGeneration",
    "qwen3_vl": "Qwen3VLForConditionalGeneration",
    "qwen3_vl_moe": "Qwen3VLMoeForConditionalGeneration",
    "glm4": "Glm4ForCausalLM",
    "glm4_moe": "Glm4MoeForCausalLM",
    "llava": "LlavaForConditionalGeneration",
    "bert": "BertModel",
    "xlm-roberta": "XLMRobertaModel",
    "whisper": "WhisperForConditionalGeneration",
}


def architecture_of(config: Mapping[str, Any], class_name: str | None = None) -> Architecture:
    """The architecture that a config describes.

    ``class_name`` wins over ``architectures`` and ``model_type`` of the config itself. Raises
    UnknownArchitecture for a class without a builder, or when a needed field is missing.
    """
    named = class_name or next(iter(config.get("architectures") or ()), None)
    if named not in FAMILIES:
        named = _BY_MODEL_TYPE.get(str(config.get("model_type")), named)
    builder = FAMILIES.get(str(named))
    if builder is None:
        raise UnknownArchitecture(f"the architecture {named!r} is not one planner can size")
    return builder(config)
