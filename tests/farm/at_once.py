"""Does the same to many hosts at the same time, and tells of all that failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.farm.commands import FarmError


def for_all(names: Sequence[str], action: Callable[[str], None]) -> None:
    """Call `action` for every name at once, wait; one FarmError tells all that failed."""

    def attempt(name: str) -> str | None:
        try:
            action(name)
        except (FarmError, OSError) as error:
            return str(error)
        return None

    if not names:
        return
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        problems = [problem for problem in pool.map(attempt, names) if problem]
    if problems:
        raise FarmError("\n".join(problems))
