"""Things built once and kept: built aside, put in place in one step, by one run at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.farm import mounts
from tests.farm.commands import FarmError

# Builds into the given path; the number is a file descriptor that its programs must keep open.
Builder = Callable[[Path, int], None]


@dataclass(frozen=True)
class Artefact:
    """A file or folder that is current when it was built from `recipe`."""

    path: Path
    recipe: str

    def is_current(self) -> bool:
        """Whether it is there, complete and built from this recipe."""
        try:
            return self.path.exists() and self._stamp.read_text() == self.recipe
        except OSError:
            return False

    def ensure(self, build: Builder) -> None:
        """Build it unless it is current. Waits for another run that is building it.

        Raises FarmError when hosts still stand on the old one, or whatever `build` raises.
        """
        if self.is_current():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self._beside("lock")) as descriptor:
            if self.is_current():
                return
            started = time.monotonic()
            print(f"farm: building {self.path} (once) ...", file=sys.stderr, flush=True)
            part = self._beside("part")
            discard(part)
            build(part, descriptor)
            self._put_in_place(part)
            seconds = time.monotonic() - started
            print(f"farm: built {self.path} in {seconds:.0f} s", file=sys.stderr, flush=True)

    def _put_in_place(self, part: Path) -> None:
        if mounts.has_overlay_on(self.path):
            raise FarmError(f"hosts stand on the old {self.path}; type: farm down")
        self._stamp.unlink(missing_ok=True)
        discard(self.path)
        os.replace(part, self.path)
        self._stamp.write_text(self.recipe)

    @property
    def _stamp(self) -> Path:
        return self._beside("recipe")

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{suffix}")


def discard(path: Path) -> None:
    """Remove a file or folder if it is there; what is mounted below is unmounted, never emptied."""
    mounts.unmount_below(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Hold the lock file; a program given the descriptor holds it on after we are killed."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()
