"""Reads secrets where the blueprint says they are, and keeps those that planner makes.

Nothing here puts a value into a message: a failure names the place and what to do about it.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from planner.diagnostics import Diagnostic, error
from planner.secret import MAX_BYTES, SecretKind, SecretSource, SecretValue
from planner.sources.paths import local_path

GENERATED_BITS: Final = 256
_SECONDS: Final = 60.0  # sops may ask a key service
_FOLDER: Final = ".planner"


def read_secret(
    source: SecretSource, folder: Path, project: str, environ: Mapping[str, str]
) -> SecretValue | Diagnostic | None:
    """The secret, why it cannot be read, or None for one that is not on this machine yet.

    ``folder`` is the blueprint's, which paths are relative to. A single line break at the end of a
    file is not part of its secret.
    """
    match source.kind:
        case SecretKind.ENV:
            return _of_environment(source, environ)
        case SecretKind.FILE:
            return _of_file(source, local_path(source.place, folder))
        case SecretKind.SOPS | SecretKind.AGE:
            return _decrypted(source, folder)
        case SecretKind.PROMPT:
            return None
        case SecretKind.GENERATED:
            path = kept_at(folder, project, source.name)
            return _of_file(source, path) if path.exists() else None


def kept_at(folder: Path, project: str, name: str) -> Path:
    """Where a secret that planner made is kept, beside the blueprint."""
    return folder / _FOLDER / "secrets" / project / name


def generate() -> SecretValue:
    """A new secret of 256 bits that every header, URL and configuration file takes."""
    return SecretValue(secrets.token_urlsafe(GENERATED_BITS // 8).encode())


def keep(folder: Path, project: str, name: str, value: SecretValue) -> None:
    """Keep a value beside the blueprint, whole or not at all, for this user alone.

    Raises OSError where the disk refuses it.
    """
    path = kept_at(folder, project, name)
    for part in (folder / _FOLDER, folder / _FOLDER / "secrets", path.parent):
        part.mkdir(mode=0o700, exist_ok=True)
    path.parent.chmod(0o700)
    ignore = folder / _FOLDER / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    temporary = path.with_name(f".{name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    new = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(new, "wb") as file:
        file.write(value.reveal())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    place = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _of_environment(source: SecretSource, environ: Mapping[str, str]) -> SecretValue | Diagnostic:
    text = environ.get(source.place, "")
    if not text:
        return _missing(source, f"the environment variable {source.place} is not set",
                        f"set it where you run planner: read -rs {source.place}; export "
                        f"{source.place}")  # fmt: skip
    return _checked(source, os.fsencode(text))


def _of_file(source: SecretSource, path: Path) -> SecretValue | Diagnostic:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(MAX_BYTES + 2)
    except OSError as fault:
        return _missing(source, f"{path} cannot be read: {fault.strerror}", "check the path")
    if mode & 0o077:
        return _missing(source, f"{path} can be read by other users of this machine",
                        f"chmod 600 {path}")  # fmt: skip
    return _checked(source, _without_line_break(raw))


def _decrypted(source: SecretSource, folder: Path) -> SecretValue | Diagnostic:
    tool, words = source.kind.value, _command(source, folder)
    try:
        done = subprocess.run(
            words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS,
            check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return _missing(source, f"{tool} is not installed here", f"install {tool}, or write file")
    except subprocess.TimeoutExpired:
        return _missing(source, f"{tool} did not answer within {_SECONDS:.0f} s",
                        f"try it by hand: {' '.join(words)}")  # fmt: skip
    if done.returncode != 0:
        # not what it said: a tool may quote the file it failed on
        return _missing(source, f"{tool} could not decrypt {source.place} (status "
                        f"{done.returncode})", f"try it by hand: {' '.join(words)}")  # fmt: skip
    return _checked(source, _without_line_break(done.stdout))


def _command(source: SecretSource, folder: Path) -> list[str]:
    path = str(local_path(source.place, folder))
    if source.kind is SecretKind.SOPS:
        steps = "".join(f'["{part}"]' for part in source.key.split(".") if part)
        return ["sops", "--decrypt", *(["--extract", steps] if steps else []), path]
    identity = str(local_path(source.key or "~/.config/age/keys.txt", folder))
    return ["age", "--decrypt", "--identity", identity, path]


def _without_line_break(raw: bytes) -> bytes:
    return raw.removesuffix(b"\n").removesuffix(b"\r")


def _checked(source: SecretSource, raw: bytes) -> SecretValue | Diagnostic:
    if not raw:
        return _missing(source, f"{source.origin} is empty", "put the secret in")
    if len(raw) > MAX_BYTES:
        return _missing(source, f"{source.origin} holds more than {MAX_BYTES >> 10} KiB",
                        "is this the right one?")  # fmt: skip
    try:
        raw.decode()
    except UnicodeDecodeError:
        return _missing(source, f"{source.origin} is not text", "encode it, as base64 for example")
    if b"\0" in raw:
        return _missing(source, f"{source.origin} holds a zero byte", "is this the right one?")
    return SecretValue(raw)


def _missing(source: SecretSource, why: str, advice: str) -> Diagnostic:
    return error(f"secret {source.name!r}: {why}", "secrets", source.name, advice=advice)
