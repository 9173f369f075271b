"""Engines by what they have in common, for parts of sizing that are no engine's own.

Names stand here and in the engines' own files; the rest asks for what it means.
"""

from __future__ import annotations

from typing import Final

USUAL: Final = "vllm"  # where a command needs an engine and nobody names one
# takes no more than it needs, and can leave experts in RAM: for advice
FLEXIBLE: Final = "llama.cpp"
ONE_POOL: Final = frozenset({"llama.cpp"})  # slots share one cache, as planner tells them to
# compute latent attention in the latent's own width
ABSORBING: Final = frozenset({"llama.cpp", "ollama"})
# adapters are copied from RAM into slots on the device; of those, slots of the kernels' own ranks
SLOTS: Final = frozenset({"vllm", "sglang"})
SLOTS_OF_RANKS: Final = frozenset({"vllm"})
# every adapter lies beside its base from the start
BESIDE: Final = frozenset({"llama.cpp", "ik_llama.cpp", "ollama"})
