"""Every verb: its name, the module that holds it, and its line of help."""

from __future__ import annotations

from typing import Final, NamedTuple


class Verb(NamedTuple):
    """``name`` may be two words for a verb in a group; ``module`` lies in ``planner.cli``."""

    name: str
    module: str
    help: str


GROUPS: Final = {
    "adapters": "LoRA adapters on this machine.",
    "cost": "What the farm costs.",
    "hosts": "The machines of the farm.",
}

VERBS: Final = (
    Verb("init", "init", "Write a first blueprint."),
    Verb("validate", "validate", "Check a blueprint; reads nothing but files."),
    Verb("fit", "fit", "Does one model fit on one kind of device, and how fast is it?"),
    Verb("size", "size", "What runs where, what it takes, and how fast it will be."),
    Verb("train", "train", "What an adapter takes to train, and how long."),
    Verb("adapters merge", "adapters_merge", "Make one adapter of several."),
    Verb("cost estimate", "cost_estimate", "What a month costs, line by line."),
    Verb("cost compare", "cost_compare", "The same farm rented, bought, or on CPU and RAM."),
    Verb("cost diff", "cost_diff", "What a change costs: two files, or two Git revisions."),
    Verb("offers", "offers", "What can be rented, and what of it would fit a model."),
    Verb("lock", "lock", "Pin model commits, image digests and file hashes."),
    Verb("render", "render", "Write the files that hosts would get."),
    Verb("plan", "plan", "Ask the hosts and show what apply would change."),
    Verb("apply", "apply", "Make the hosts equal to the blueprint."),
    Verb("status", "status", "What runs on the hosts."),
    Verb("drift", "drift", "What on the hosts is not as the blueprint says."),
    Verb("rollback", "rollback", "Go back to an earlier release that lies on the hosts."),
    Verb("unlock", "unlock", "Remove the lock of a run that is gone."),
    Verb("destroy", "destroy", "Remove everything planner put on the hosts."),
    Verb("hosts probe", "hosts_probe", "Ask hosts what they have, as inventory lines."),
    Verb("hosts sudoers", "hosts_sudoers", "What lets a user who is not root run planner there."),
    Verb("schema", "schema", "Print the blueprint's JSON Schema, for editors."),
)
