"""What rendered files name is where the rest of planner puts things."""

from __future__ import annotations

import pytest

from planner.apply.steps import Layout
from planner.diff.places import image_tag, place_of
from planner.render.bundle import Artifact, ArtifactKind
from planner.render.places import artifact_folder, image_name, unit_name

SHA = "0123456789abcdef" * 4
COMMIT = "a" * 40


@pytest.mark.parametrize(
    "artifact",
    [
        Artifact(ArtifactKind.ROOT, SHA, "/here/llama.tar"),
        Artifact(ArtifactKind.HUB_FILES, f"org/name@{COMMIT}", "org/name", None, COMMIT),
        Artifact(ArtifactKind.HUB_FILES, f"org/name@{COMMIT}/a/b.gguf", "org/name", None, COMMIT),
    ],
)
def test_folders_agree(artifact: Artifact) -> None:
    place = place_of(artifact, "home")
    assert artifact_folder("home", artifact) == f"{Layout('home').home}/artifacts/{place}"


def test_a_pushed_file_lies_in_its_folder() -> None:
    artifact = Artifact(ArtifactKind.WEIGHTS, SHA, "/here/a b.gguf")
    place = f"{Layout('home').home}/artifacts/{place_of(artifact, 'home')}"
    assert place == f"{artifact_folder('home', artifact)}/a b.gguf"


def test_images_agree() -> None:
    archive = Artifact(ArtifactKind.IMAGE, SHA, "/here/llama.tar")
    assert image_name("home", archive) == image_tag(archive, "home")
    pulled = Artifact(ArtifactKind.REGISTRY_IMAGE, f"x/y@sha256:{SHA}", f"x/y@sha256:{SHA}")
    assert image_name("home", pulled) == f"x/y@sha256:{SHA}"
    with pytest.raises(ValueError):
        artifact_folder("home", archive)


def test_units_agree() -> None:
    assert unit_name("home", "chat-0") == Layout("home").unit("chat-0")
