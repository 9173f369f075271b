"""The typer application: one verb is imported, the one that was typed.

Importing every verb would cost a tenth of a second each time; ``--help`` shows them all from the
table below instead.
"""

from __future__ import annotations

from typing import Any, Final

import typer

from planner.cli.verbs import GROUPS, VERBS, Verb
from planner.errors import UsageError

_CONTEXT: Final[dict[str, Any]] = {"help_option_names": ["-h", "--help"], "max_content_width": 80}


def dispatch(words: list[str]) -> int:
    """Run the verb that ``words`` name and return its exit code. Failures are raised."""
    _refuse_unknown(words)
    app = _app(words)
    try:
        app(args=words, prog_name="planner", standalone_mode=True)
    except SystemExit as end:
        _raise_hidden(end)
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


def _refuse_unknown(words: list[str]) -> None:
    """Raises UsageError for a verb there is not. typer would know only those it was given."""
    first, second = [*words, "", ""][:2]
    if not first or first.startswith("-"):
        return
    every = [verb.name for verb in VERBS]
    if first in GROUPS and second and not second.startswith("-"):
        first, every = f"{first} {second}", [name for name in every if name.startswith(first)]
    if any(name == first or name.split()[0] == first for name in every):
        return
    meant = _nearest(first, every)
    raise UsageError(
        f"there is no command {first!r}",
        advice=f"did you mean planner {meant}?" if meant else "see them all: planner --help",
    )


def _nearest(typed: str, verbs: list[str]) -> str | None:
    """The verb, or the group of verbs, that was probably meant."""
    from planner.names import nearest

    by_word = {word: name for name in verbs for word in name.split()}
    known = {**by_word, **{name: name for name in (*verbs, *GROUPS)}}
    found = nearest(typed.replace("-", " "), known)
    return known[found[0]] if found else None


def _raise_hidden(end: SystemExit) -> None:
    """Raise what typer ends the process for without a word: Ctrl-C, and a pipe that broke."""
    hidden: BaseException | None = end
    while hidden is not None:
        if isinstance(hidden, KeyboardInterrupt | BrokenPipeError):
            raise hidden
        hidden = hidden.__cause__ or hidden.__context__


def _app(words: list[str]) -> typer.Typer:
    """The typer application, holding the one verb that was typed, or all of them for help."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=_CONTEXT,
        help="Infrastructure as code for private LLM farms.",
    )
    app.callback()(_root)
    typed = words[0] if words else ""
    chosen = [verb for verb in VERBS if verb.name.split()[0] == typed] or list(VERBS)
    groups: dict[str, typer.Typer] = {}
    for verb in chosen:
        _add(app, verb, groups)
    return app


def _add(app: typer.Typer, verb: Verb, groups: dict[str, typer.Typer]) -> None:
    from importlib import import_module

    command = import_module(f"planner.cli.{verb.module}").command
    first, _, second = verb.name.partition(" ")
    parent = app
    if second:
        if first not in groups:
            groups[first] = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
            app.add_typer(groups[first], name=first, help=GROUPS[first])
        parent = groups[first]
    parent.command(second or first, help=verb.help, context_settings=_CONTEXT)(command)


def _version(asked: bool) -> None:
    if asked:
        from planner import __version__

        typer.echo(f"planner {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Infrastructure as code for private LLM farms."""
