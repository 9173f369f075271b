"""What of a model its weights fix: settings that people try to change and cannot, and why not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

CHANGEABLE: Final = "context, yarn, experts_per_token, kv_dtype and quant"


class Fixed(NamedTuple):
    """One thing that is fixed; ``why`` is the sentence that teaches it."""

    what: str
    why: str


_WIDTH: Final = Fixed(
    "its hidden size",
    "every matrix in the files has that many columns: another width needs other weights, which is "
    "training a new model",
)
_HEADS: Final = Fixed(
    "its attention heads",
    "a head is a slice of trained matrices: for one more there are no weights, and cut otherwise "
    "they mean nothing",
)
_MLP: Final = Fixed(
    "the width of its MLP or experts",
    "that width is a side of trained matrices: a wider expert has rows that nobody trained",
)
_LAYERS: Final = Fixed(
    "its layers", "a layer that the files do not hold would start with random numbers"
)
_EXPERTS: Final = Fixed(
    "how many experts it has",
    "each expert is trained weights in the files; experts_per_token says how many of them a token "
    "passes",
)
_VOCABULARY: Final = Fixed(
    "its vocabulary", "each token has a trained row, numbered by the tokenizer it was trained with"
)

# by the names of config.json, of GGUF headers and of plain speech
FIXED: Final[dict[str, Fixed]] = {
    name: fixed
    for fixed, names in (
        (_WIDTH, ("hidden_size", "d_model", "n_embd", "embedding_length", "hidden_dim")),
        (_HEADS, ("num_attention_heads", "num_key_value_heads", "num_heads", "heads", "kv_heads")),
        (_HEADS, ("head_dim", "head_count", "head_count_kv", "key_length", "value_length")),
        (_MLP, ("intermediate_size", "moe_intermediate_size", "feed_forward_length")),
        (_MLP, ("expert_feed_forward_length", "expert_width", "ffn_dim")),
        (_LAYERS, ("num_hidden_layers", "num_layers", "n_layers", "layers", "block_count")),
        (_EXPERTS, ("num_experts", "n_routed_experts", "num_local_experts", "experts")),
        (_EXPERTS, ("expert_count",)),
        (_VOCABULARY, ("vocab_size", "vocabulary")),
    )
    for name in names
}
# where such a name is set in an engine's arguments: a JSON key, or llama.cpp's ARCH.KEY=TYPE:VALUE
_SET: Final = re.compile(r'"(\w+)"\s*:|(?:^|[.,=\s])(\w+)=\w+:')


def fixed_in(arguments: Iterable[str]) -> tuple[tuple[str, Fixed], ...]:
    """Fixed things that an engine's extra arguments would set, by the name written there."""
    text = "\n".join(arguments)
    names = (json_key or gguf_key for json_key, gguf_key in _SET.findall(text))
    return tuple((name, FIXED[name]) for name in dict.fromkeys(names) if name in FIXED)
