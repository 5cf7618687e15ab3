import json
from pathlib import Path

import pytest
from planning import features
from planning.resources import Refusal


def test_settings_are_complete_and_in_one_order(project):
    text = features.write_settings(project, "demo", "pann")
    settings = json.loads(text)
    assert (settings["kind"], settings["weights"]) == ("pann", "random")
    assert list(settings) == sorted(settings)


def test_files_that_parameters_name_are_required(read, folder):
    project = read()
    assert features.list_files(project, "demo", "pann") == []
    written = {name: found.written for name, found in project.datasets["demo"].extractors.items()}
    extractors = {**written, "pann": {"kind": "pann", "weights": "my.pth"}}
    project = read({"demo": {"extractors": extractors}})
    with pytest.raises(Refusal, match=r"demo\.yaml: extractors\.pann\.weights: .* found nothing at my\.pth"):
        features.list_files(project, "demo", "pann")
    (folder / "my.pth").touch()
    assert features.list_files(project, "demo", "pann") == [Path("my.pth")]


def test_of_imported_arrays_the_folder_alone_is_a_file_of_every_shard(read, folder):
    (folder / "arrays").mkdir()
    (folder / "arrays" / "demo_0003.npy").touch()
    imported = {"kind": "imported", "modality": "audio", "arrays": "arrays", "width": 4}
    written = {name: found.written for name, found in read().datasets["demo"].extractors.items()}
    project = read({"demo": {"extractors": {**written, "pann": imported}}})
    assert features.list_files(project, "demo", "pann") == [Path("arrays")]


def test_every_shard_of_the_chosen_extractors_has_a_manifest(project):
    assert features.name_shards(project, "demo") == ["000", "001", "002", "003"]
    manifests = features.list_chosen_manifests(project, "demo")
    assert len(manifests) == 8
    assert manifests[0] == "results/demo/features/i3d/shards/000.tsv"
    assert manifests[-1] == "results/demo/features/pann/shards/003.tsv"
    assert features.list_input_manifests(project, "demo", "i3d+pann") == manifests
    assert features.list_chosen_folders(project, "demo") == [
        "results/demo/features/i3d",
        "results/demo/features/pann",
    ]


def test_a_stream_is_made_of_what_reads_it(read):
    with pytest.raises(ValueError, match=r"'pann' is of kind pann, which reads audio"):
        read({"demo": {"streams": {"visual": "pann", "audio": "i3d"}}})


def test_an_extractors_name_may_mean_another_modality_in_another_dataset(read):
    extractors = {"i3d": {"kind": "pann", "weights": "random"}, "pann": {"kind": "i3d", "weights": "random"}}
    project = read({"demo": {"extractors": extractors, "streams": {"visual": "pann", "audio": "i3d"}}})
    assert project.find_extractor("demo", "i3d")[0].modality == "audio"
    assert project.find_extractor("charades", "i3d")[0].modality == "visual"
    assert features.list_chosen_manifests(project, "demo")[0].startswith("results/demo/features/pann/")


def test_imported_arrays_take_no_gpu(read):
    project = read(device="cuda")
    assert features.count_gpus(project, "demo", "i3d") == 1
    assert features.count_gpus(project, "charades_clip", "slowfast") == 0
    assert features.count_gpus(read(), "demo", "i3d") == 0


def test_clip_and_slowfast_are_planned_from_published_arrays_and_from_raw_videos(read):
    published = read()
    project = read({"charades_clip": {"features": "extracted"}})
    dataset = project.datasets["charades_clip"]
    kinds = [project.find_extractor("charades_clip", name)[0].name for name in dataset.chosen_extractors]
    assert kinds == ["slowfast", "clip", "pann"]
    manifests = features.list_chosen_manifests(project, "charades_clip")
    assert len(manifests) == 3 * 32
    assert features.list_chosen_manifests(published, "charades_clip") == manifests
    assert dataset.reads_videos
    assert not published.datasets["charades_clip"].reads_videos
