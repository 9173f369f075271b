"""Memory of a training run as terms per device: base, adapter, activations, loss, runtime.

    base + trained parameters x 16 B + saved layer inputs + one layer again + logits + 1 GB

The base is frozen: no gradient, no optimizer state, but all of it resident, experts included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planner.sizing.architecture import QUANTIZABLE, Architecture, Role, Tensor
from planner.sizing.quantization import Quantization, Storage
from planner.sizing.training.values import Method, Optimizer, Targets, TrainRequest
from planner.sizing.values import Term
from planner.sizing.weights import storage_of, tensor_bytes
from planner.units import ceil_div

# bytes of a trained parameter: weight, gradient, and Adam's two moments
STATE_BYTES: Final = {
    Optimizer.FP32: (16, "fp32 weight 4 + gradient 4 + Adam 8 B"),
    Optimizer.BF16: (12, "bf16 weight 2 + gradient 2 + Adam 8 B"),
    Optimizer.EIGHT_BIT: (6, "bf16 weight 2 + gradient 2 + 8-bit Adam 2 B"),
}
_LOGIT_BYTES: Final = 10  # 16 bit, the float copy, and its gradient
_RUNTIME: Final = 10**9
_NF4: Final = Quantization("nf4", Storage.NF4)
_PEFT: Final = "PEFT: rank x (in + out) of every wrapped linear"


def trained_parameters(architecture: Architecture, rank: int, targets: Targets) -> int:
    """Parameters of one adapter. Routed experts count as transformers 5 stores them: gate and up
    of an expert are one matrix, which one pair of A and B adapts."""
    return sum(
        rank * (tensor.shape[1] + out) * tensor.copies * max(1, len(tensor.layers))
        for tensor, out in _wrapped(architecture, targets)
    )


def _wrapped(architecture: Architecture, targets: Targets) -> Iterator[tuple[Tensor, int]]:
    """Each linear with its rows; the fused matrices of experts once."""
    seen: set[tuple[str, tuple[int, ...]]] = set()
    for tensor in architecture.tensors:
        if tensor.role not in QUANTIZABLE or len(tensor.shape) != 2:
            continue
        if tensor.role is not Role.EXPERT:
            if targets is not Targets.ATTENTION or tensor.role is Role.ATTENTION:
                yield tensor, tensor.shape[0]
            continue
        if targets is not Targets.EXPERTS:
            continue
        if not tensor.fused:
            yield tensor, tensor.shape[0]
        elif (tensor.fused, tensor.layers) not in seen:
            seen.add((tensor.fused, tensor.layers))
            parts = (t for t in architecture.tensors if t.role is Role.EXPERT)
            rows = (
                t.shape[0] for t in parts if (t.fused, t.layers) == (tensor.fused, tensor.layers)
            )
            yield tensor, sum(rows)


def base_bytes(architecture: Architecture, method: Method) -> tuple[int, int]:
    """Bytes of the frozen base, and how many of them are experts that stay in 16 bit.

    bitsandbytes replaces plain linears only: routed experts, which transformers 5 keeps as one
    matrix of three dimensions, are left as they are.
    """
    if method is Method.LORA:
        return 2 * architecture.parameters, 0
    total = experts = 0
    for tensor in architecture.tensors:
        count = tensor.copies * max(1, len(tensor.layers))
        if tensor.role is Role.EXPERT and tensor.copies > 1:
            experts += 2 * tensor.elements
            total += 2 * tensor.elements
        else:
            storage = storage_of(tensor, _NF4, architecture.family)
            total += tensor_bytes(storage, tensor.shape).total * count
    return total, experts


def terms(request: TrainRequest) -> tuple[Term, ...]:
    """What one device holds."""
    return (
        _base(request),
        _adapter(request),
        *_activations(request),
        _loss(request),
        Term("runtime", _RUNTIME, "CUDA context, libraries, fragments: about 1 GB", "an estimate"),
    )


def _share(request: TrainRequest) -> int:
    return max(1, len(request.devices)) if request.sharded else 1


def _base(request: TrainRequest) -> Term:
    a, share = request.architecture, _share(request)
    size, experts = base_bytes(a, request.method)
    how = "16 bit" if request.method is Method.LORA else "nf4 linears, the rest in 16 bit"
    why = f"{a.parameters:,} parameters as {how}"
    if experts:
        why += f"; {experts / 1e9:.1f} GB of experts stay in 16 bit"
    if share == 1:
        return Term("weights", size, why, "tensor shapes; bitsandbytes: 4.127 bits a weight")
    gathered = 2 * a.parameters // max(1, len(a.layers))
    why += f", / {share} devices + one layer gathered ({gathered / 1e9:.2f} GB)"
    return Term("weights", ceil_div(size, share) + gathered, why, "FSDP: a layer at a time")


def _adapter(request: TrainRequest) -> Term:
    count = trained_parameters(request.architecture, request.rank, request.targets)
    each, how = STATE_BYTES[request.optimizer]
    share = _share(request)
    split = f" / {share} devices" if share > 1 else ""
    why = f"{count:,} trained parameters x {each} B ({how}){split}"
    return Term("adapters", ceil_div(count * each, share), why, _PEFT)


def _activations(request: TrainRequest) -> tuple[Term, Term]:
    a = request.architecture
    here, layers = request.batch * request.sequence, len(a.layers)
    saved = layers * here * a.hidden * 2
    width = mlp_width(a)
    again = here * (8 * a.hidden + 4 * width) * 2
    size = f"{request.batch} x {request.sequence} tokens"
    return (
        Term("checkpoints", saved, f"{layers} layers x {size} x {a.hidden} x 2 B: layer inputs",
             "gradient checkpointing"),
        Term("activations", again, f"{size} x (8 x {a.hidden} + 4 x {width}) x 2 B: one layer "
             "computed again", "gradient checkpointing"),
    )  # fmt: skip


def mlp_width(architecture: Architecture) -> int:
    """The widest MLP one token passes: the dense one, or its routed and shared experts."""
    a = architecture
    shared = max((t.shape[0] for t in a.tensors if t.role is Role.SHARED_EXPERT), default=0)
    return max(a.intermediate, a.experts_per_token * a.expert_width + shared)


def _loss(request: TrainRequest) -> Term:
    a, here = request.architecture, request.batch * request.sequence
    if not request.fuses_loss:
        why = f"{here} tokens x {a.vocab} x {_LOGIT_BYTES} B: 16 bit, float copy, gradient"
        return Term(
            "logits", here * a.vocab * _LOGIT_BYTES, why, "the loss over all tokens at once"
        )
    chunk = min(here, loss_chunk(here, a.vocab, a.hidden))
    why = f"{chunk} of {here} tokens at a time x {a.vocab} x {_LOGIT_BYTES} B"
    return Term("logits", chunk * a.vocab * _LOGIT_BYTES, why, "Liger's fused linear cross entropy")


def loss_chunk(tokens: int, vocab: int, hidden: int) -> int:
    """Tokens of a fused loss at a time: the power of two that makes a chunk of logits about as
    large as the layer's output."""
    wanted = ceil_div(tokens, ceil_div(vocab, hidden))
    return 1 << (wanted - 1).bit_length()
