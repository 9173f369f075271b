"""What a blueprint may not ask of an engine: to run code that lies beside a model's weights. Pure.

Weights are data, in safetensors or GGUF. Two roads turn them into programs: a repository's own
Python, which engines run when told to trust it, and pickles, which run whatever they hold while
they are read. Both are refused, as options and as variables of the environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from planner.blueprint.schema import Model
from planner.diagnostics import Diagnostic, DocumentPath, error

_TRUST: Final = "trust-remote-code"
_REPOSITORY: Final = "the engine then runs Python that lies in the model's repository"
_PICKLE: Final = "it reads pickled weights, which run whatever they hold while they are read"
_NATIVE: Final = "take it out, and serve a model that the engine knows by itself"
_FORMAT: Final = "take it out: planner gives the engine safetensors or GGUF"

# vLLM's and SGLang's names of loaders for files that torch.save made
_PICKLED_FORMATS: Final = frozenset({"pt", "npcache"})
_VARIABLES: Final = {
    "TRUST_REMOTE_CODE": (_REPOSITORY, _NATIVE),  # TGI and LoRAX
    "INFINITY_TRUST_REMOTE_CODE": (_REPOSITORY, _NATIVE),
    "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": (_PICKLE, _FORMAT),  # torch.load's own guard
    "VLLM_ALLOW_INSECURE_SERIALIZATION": (
        "vLLM's processes then unpickle what they send to each other",
        "take it out: serving does not need it",
    ),
}
_OFF: Final = frozenset({"", "0", "false", "no", "off"})


def unsafe(spec: Model, path: DocumentPath) -> Iterator[Diagnostic]:
    """Errors for options and variables of the model at ``path`` that would run foreign code."""
    arguments = spec.extra_args
    for index, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        option = name.removeprefix("--").replace("_", "-").lower() if name[:2] == "--" else ""
        value = value or (arguments[index + 1] if index + 1 < len(arguments) else "")
        place = (*path, "extra_args", index)
        # engines that use argparse take a beginning of the name for the whole of it
        if option.startswith("trust-r") and _TRUST.startswith(option):
            yield _refused(argument, place, _REPOSITORY, _NATIVE)
        elif option == "load-format" and value.lower() in _PICKLED_FORMATS:
            yield _refused(f"{name} {value}", place, _PICKLE, _FORMAT)
    for variable, text in spec.environment.items():
        known = _VARIABLES.get(variable.upper())
        if known is not None and str(text).strip().lower() not in _OFF:
            yield _refused(variable, (*path, "environment", variable), *known)


def _refused(what: str, path: DocumentPath, why: str, instead: str) -> Diagnostic:
    return error(f"{what} is refused", *path, value=what, detail=why, advice=instead)
