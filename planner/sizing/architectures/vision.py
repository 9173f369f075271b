"""Image encoders and projectors of the multimodal families, as tensors."""

from __future__ import annotations

from planner.sizing.architecture import Role, Split, Tensor
from planner.sizing.architectures.parts import Config, whole

Found = list[Tensor]


def _matrix(
    name: str,
    out: int,
    into: int,
    layers: tuple[int, ...] = (),
    *,
    bias: bool = True,
    split: Split = Split.NONE,
) -> Found:
    found = [Tensor(f"{name}.weight", "v", (out, into), Role.VISION, layers, split)]
    if bias:
        found.append(Tensor(f"{name}.bias", "v", (out,), Role.VISION, layers))
    return found


def _vector(name: str, width: int, layers: tuple[int, ...] = (), *, bias: bool = False) -> Found:
    found = [Tensor(f"{name}.weight", "v", (width,), Role.VISION, layers)]
    if bias:
        found.append(Tensor(f"{name}.bias", "v", (width,), Role.VISION, layers))
    return found


def _encoder_blocks(hidden: int, width: int, every: tuple[int, ...]) -> Found:
    """A plain pre-norm transformer block: biased q, k, v, o and a two-matrix MLP."""
    found: Found = []
    for name in ("q_proj", "k_proj", "v_proj"):
        found += _matrix(
            f"vision.layers.{{layer}}.{name}", hidden, hidden, every, split=Split.COLUMN
        )
    found += _matrix("vision.layers.{layer}.out_proj", hidden, hidden, every, split=Split.ROW)
    found += _matrix("vision.layers.{layer}.fc1", width, hidden, every, split=Split.COLUMN)
    found += _matrix("vision.layers.{layer}.fc2", hidden, width, every, split=Split.ROW)
    for name in ("layer_norm1", "layer_norm2"):
        found += _vector(f"vision.layers.{{layer}}.{name}", hidden, every, bias=True)
    return found


def siglip(config: Config, text_hidden: int) -> tuple[Tensor, ...]:
    """SigLIP without its pooling head, and Gemma 3's projector."""
    hidden, every = whole(config, "hidden_size"), tuple(range(whole(config, "num_hidden_layers")))
    patch, image = whole(config, "patch_size", 14), whole(config, "image_size", 896)
    found = _matrix("vision.patch_embedding", hidden, 3 * patch * patch)
    found += _matrix("vision.position_embedding", (image // patch) ** 2, hidden, bias=False)
    found += _encoder_blocks(hidden, whole(config, "intermediate_size"), every)
    found += _vector("vision.post_layernorm", hidden, bias=True)
    found += _matrix("projector.mm_input_projection", hidden, text_hidden, bias=False)
    found += _vector("projector.mm_soft_emb_norm", hidden)
    return tuple(found)


def clip(config: Config, text_hidden: int) -> tuple[Tensor, ...]:
    """CLIP's image tower, and LLaVA's two-layer projector."""
    hidden, every = whole(config, "hidden_size"), tuple(range(whole(config, "num_hidden_layers")))
    patch, image = whole(config, "patch_size", 14), whole(config, "image_size", 336)
    found = _vector("vision.class_embedding", hidden)
    found += _matrix("vision.patch_embedding", hidden, 3 * patch * patch, bias=False)
    found += _matrix("vision.position_embedding", (image // patch) ** 2 + 1, hidden, bias=False)
    found += _encoder_blocks(hidden, whole(config, "intermediate_size"), every)
    for name in ("pre_layrnorm", "post_layernorm"):
        found += _vector(f"vision.{name}", hidden, bias=True)
    found += _matrix("projector.linear_1", text_hidden, hidden)
    found += _matrix("projector.linear_2", text_hidden, text_hidden)
    return tuple(found)


def _qwen_blocks(hidden: int, every: tuple[int, ...]) -> Found:
    found = _matrix("vision.blocks.{layer}.attn.qkv", 3 * hidden, hidden, every, split=Split.COLUMN)
    found += _matrix("vision.blocks.{layer}.attn.proj", hidden, hidden, every, split=Split.ROW)
    return found


def qwen2_5(config: Config, text_hidden: int) -> tuple[Tensor, ...]:
    """Qwen2.5-VL's window-attention encoder with its merger."""
    hidden, every = whole(config, "hidden_size", 1280), tuple(range(whole(config, "depth", 32)))
    width, merge = (
        whole(config, "intermediate_size", 3420),
        whole(config, "spatial_merge_size", 2) ** 2,
    )
    patch = whole(config, "patch_size", 14)
    found = _matrix("vision.patch_embed", hidden, 3 * 2 * patch * patch, bias=False)
    found += _qwen_blocks(hidden, every)
    for name, out, into, split in (
        ("gate_proj", width, hidden, Split.COLUMN),
        ("up_proj", width, hidden, Split.COLUMN),
        ("down_proj", hidden, width, Split.ROW),
    ):
        found += _matrix(f"vision.blocks.{{layer}}.mlp.{name}", out, into, every, split=split)
    for name in ("norm1", "norm2"):
        found += _vector(f"vision.blocks.{{layer}}.{name}", hidden, every)
    found += _vector("vision.merger.ln_q", hidden)
    found += _matrix("vision.merger.mlp.0", hidden * merge, hidden * merge)
    found += _matrix("vision.merger.mlp.2", text_hidden, hidden * merge)
    return tuple(found)


def qwen3(config: Config, text_hidden: int) -> tuple[Tensor, ...]:
    """The encoder of Qwen3-VL and Qwen3.5, with its merger (and deepstack mergers if any)."""
    hidden, every = whole(config, "hidden_size", 1152), tuple(range(whole(config, "depth", 27)))
    width, merge = (
        whole(config, "intermediate_size", 4304),
        whole(config, "spatial_merge_size", 2) ** 2,
    )
    patch = whole(config, "patch_size", 16)
    found = _matrix("vision.patch_embed", hidden, 3 * 2 * patch * patch)
    found += _matrix(
        "vision.pos_embed", whole(config, "num_position_embeddings", 2304), hidden, bias=False
    )
    found += _qwen_blocks(hidden, every)
    found += _matrix(
        "vision.blocks.{layer}.mlp.linear_fc1", width, hidden, every, split=Split.COLUMN
    )
    found += _matrix("vision.blocks.{layer}.mlp.linear_fc2", hidden, width, every, split=Split.ROW)
    for name in ("norm1", "norm2"):
        found += _vector(f"vision.blocks.{{layer}}.{name}", hidden, every, bias=True)
    found += _vector("vision.merger.norm", hidden, bias=True)
    found += _merger("vision.merger", hidden * merge, text_hidden, ())
    deep = tuple(config.get("deepstack_visual_indexes") or ())
    if deep:
        found += _vector("vision.deepstack.{layer}.norm", hidden * merge, deep, bias=True)
        found += _merger("vision.deepstack.{layer}", hidden * merge, text_hidden, deep)
    return tuple(found)


def _merger(name: str, width: int, out: int, layers: tuple[int, ...]) -> Found:
    return _matrix(f"{name}.linear_fc1", width, width, layers) + _matrix(
        f"{name}.linear_fc2", out, width, layers
    )


def pixtral(config: Config, text_hidden: int) -> tuple[Tensor, ...]:
    """Mistral's image encoder with gated MLPs, its patch merger and projector."""
    hidden = whole(config, "hidden_size", 1024)
    every = tuple(range(whole(config, "num_hidden_layers", 24)))
    width, patch = whole(config, "intermediate_size", 4096), whole(config, "patch_size", 14)
    merge = whole(config, "spatial_merge_size", 2) ** 2
    found = _matrix("vision.patch_conv", hidden, 3 * patch * patch, bias=False)
    found += _vector("vision.ln_pre", hidden)
    for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
        found += _matrix(f"vision.layers.{{layer}}.{name}", hidden, hidden, every, bias=False)
    for name, out, into in (
        ("gate_proj", width, hidden),
        ("up_proj", width, hidden),
        ("down_proj", hidden, width),
    ):
        found += _matrix(f"vision.layers.{{layer}}.{name}", out, into, every, bias=False)
    for name in ("attention_norm", "ffn_norm"):
        found += _vector(f"vision.layers.{{layer}}.{name}", hidden, every)
    found += _vector("projector.norm", hidden)
    found += _matrix("projector.patch_merger", hidden, hidden * merge, bias=False)
    found += _matrix("projector.linear_1", text_hidden, hidden, bias=False)
    found += _matrix("projector.linear_2", text_hidden, text_hidden, bias=False)
    return tuple(found)


def llama4(config: Config, text_hidden: int) -> tuple[Tensor, ...]:
    """Llama 4's image encoder, its pixel-shuffle adapter and projector."""
    hidden, every = whole(config, "hidden_size"), tuple(range(whole(config, "num_hidden_layers")))
    width, patch = whole(config, "intermediate_size"), whole(config, "patch_size", 14)
    shuffled, out = whole(config, "projector_input_dim"), whole(config, "projector_output_dim")
    found = _vector("vision.class_embedding", hidden)
    places = (whole(config, "image_size", 336) // patch) ** 2 + 1
    found += _matrix("vision.position_embedding", places, hidden, bias=False)
    found += _matrix("vision.patch_embedding", hidden, 3 * patch * patch, bias=False)
    found += _encoder_blocks(hidden, width, every)
    for name in ("layernorm_pre", "layernorm_post"):
        found += _vector(f"vision.{name}", hidden, bias=True)
    found += _matrix("vision.adapter.fc1", shuffled, width, bias=False)
    found += _matrix("vision.adapter.fc2", out, shuffled, bias=False)
    vision_out = whole(config, "vision_output_dim", out)
    found += _matrix("projector.linear_1", text_hidden, vision_out, bias=False)
    return tuple(found)
