from pathlib import Path

import pytest
from planning import resources


def test_a_path_is_required_unless_it_is_there_or_will_be_made(project, folder):
    (folder / "there.txt").touch()
    archive = next(iter(project.resources.resources.values())).path
    for path in (Path("there.txt"), archive, Path("resources/demo/videos")):
        assert resources.require(project, path, "here") == path
    with pytest.raises(resources.Refusal) as refused:
        resources.require(project, Path("away.txt"), "mine.yaml: key", "ask its makers")
    assert str(refused.value) == (
        "error: mine.yaml: key: expected a file or folder, found nothing at away.txt; ask its makers"
    )


def test_a_missing_file_that_is_fetched_elsewhere_is_answered_with_that_path(project):
    with pytest.raises(
        resources.Refusal, match=r"weights/rgb_imagenet\.pt; resources/weights/rgb_imagenet\.pt"
    ):
        resources.require(project, Path("weights/rgb_imagenet.pt"), "mine.yaml: extractors.i3d.weights")


def test_snakemake_cannot_pass_over_a_refusal():
    assert not issubclass(resources.Refusal, Exception)


def test_a_dataset_can_be_made_where_its_sources_are_there_or_fetched(project, folder):
    assert resources.can_be_made(project, "demo")
    assert resources.can_be_made(project, "charades")
    # Its published features are the user's to download.
    assert not resources.can_be_made(project, "charades_clip")
    assert not resources.can_be_made(project, "unknown")
    for path in project.datasets["charades_clip"].sources:
        (folder / path).mkdir(parents=True, exist_ok=True)
    assert resources.can_be_made(project, "charades_clip")


def test_a_file_of_the_users_takes_the_place_of_a_resource(read, folder):
    project = read(resources={"charades_videos": {"path": "mine.zip"}})
    missing = r"config/config\.yaml: resources\.charades_videos\.path: expected a file or folder"
    with pytest.raises(resources.Refusal, match=missing):
        resources.find_local(project, "charades_videos")
    (folder / "mine.zip").touch()
    assert resources.find_local(project, "charades_videos") == Path("mine.zip")
    assert resources.find_local(read(), "charades_videos") is None


def test_options_are_quoted():
    assert resources.write_local_option("my file") == "--local 'my file'"
    assert resources.write_local_option("") == ""
