from pathlib import Path

import pytest
import yaml
from shared_data import ACTIVITYNET, CHARADES, needs_annotations

from extractors import registry
from img.config.dataset import read_datasets
from img.resources.listing import read_resources
from img.resources.verification import verify

PROJECT = Path(__file__).parents[3]
ENTRY = {"path": "resources/a.zip", "url": "https://example.org/a.zip", "licence": "none"}


@pytest.fixture
def write(tmp_path):
    """Writes a manifest and gives its path."""

    def write(values) -> Path:
        path = tmp_path / "manifest.yaml"
        path.write_text(yaml.safe_dump(values))
        return path

    return write


def test_the_projects_own_manifest_is_valid_and_says_how_each_file_is_known():
    manifest = read_resources(PROJECT / "resources" / "manifest.yaml")
    whole = {name for name, entry in manifest.resources.items() if entry.is_proven}
    videos = {"charades_videos", "charades_videos_original"}
    assert set(manifest.resources) - whole == videos | {"i3d_r50", "slowfast_r50", "vggish", "vggish_pca"}
    assert manifest.find_archive(Path("resources/charades/videos")) == "charades_videos"
    assert manifest.find_file(Path("resources/weights/Cnn14_mAP=0.431.pth")) == "cnn14"
    assert manifest.find_file(Path("resources/demo/videos")) is None


def test_the_manifest_says_which_shipped_dataset_needs_a_file():
    manifest = read_resources(PROJECT / "resources" / "manifest.yaml")
    named = {name: set() for name in manifest.resources}
    for dataset, settings in read_datasets(PROJECT / "config" / "datasets").items():
        # As the file writes them: imported arrays may stand in their place.
        written = yaml.safe_load((PROJECT / "config" / "datasets" / f"{dataset}.yaml").read_text())
        extractors = [registry.parse(values)[1] for values in written.get("extractors", {}).values()]
        parameters = [value for extractor in extractors for _, value in extractor]
        for path in (*settings.annotations.files, settings.queries.embedding, *parameters):
            if isinstance(path, Path) and (name := manifest.find_file(path)):
                named[name].add(dataset)
        if archive := manifest.find_archive(settings.videos):
            named[archive].add(dataset)
    said = {
        name: {result.split("/")[1] for result in entry.needed_by}
        for name, entry in manifest.resources.items()
    }
    # The original videos are there to be chosen instead of the small ones.
    assert said.pop("charades_videos_original") == {"charades"}
    assert named.pop("charades_videos_original") == set()
    assert said == named
    splits = ("", "_cd", "_cg")
    assert named["glove"] == {f"{name}{split}" for name in ("charades", "activitynet") for split in splits}


@needs_annotations
@pytest.mark.parametrize("dataset", ["charades", "activitynet"])
def test_the_real_annotation_files_are_those_of_the_manifest(tmp_path, dataset):
    manifest = read_resources(PROJECT / "resources" / "manifest.yaml")
    folder = {"charades": CHARADES, "activitynet": ACTIVITYNET}[dataset]
    entries = [
        entry
        for entry in manifest.resources.values()
        if entry.path.parent.name == dataset and entry.unpacked_to is None
    ]
    assert len(entries) == {"charades": 4, "activitynet": 3}[dataset]
    for entry in entries:
        verify(folder / entry.path.name, entry, tmp_path / "record")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "elsewhere/a.zip"}, "a.path: .*expected a path below resources/, found elsewhere/a.zip"),
        ({"path": "resources/../a.zip"}, "a.path: .*expected a path below resources/"),
        ({"path": "/resources/a.zip"}, "a.path: .*expected a path below resources/"),
        ({"unpacked_to": "videos"}, "a.unpacked_to: .*expected a path below resources/"),
        (
            {"path": "resources/a.tar", "unpacked_to": "resources/v"},
            "unpacked_to: expected a path that ends in .zip",
        ),
        ({"url": "ftp://example.org/a"}, "a.url: "),
        ({"url": "file:///etc/passwd"}, "a.url: "),
        ({"sha256": "abc"}, "a.sha256: "),
        ({"md5": "Z" * 32}, "a.md5: "),
        ({"size": "13 GB"}, "a.size"),
        ({"size": 0}, "a.size"),
        ({"checksum": "abc"}, "a.checksum: unknown key, found 'abc'; expected one of: "),
        ({"licence": None}, "a.licence: "),
    ],
)
def test_a_wrong_entry_is_refused_with_its_file_name_and_key(write, changes, message):
    path = write({"a": {**ENTRY, **changes}})
    with pytest.raises(ValueError, match=message) as error:
        read_resources(path)
    assert str(error.value).startswith(f"{path}:\n")


@pytest.mark.parametrize("name", ["../a", ".hidden", "a b", ""])
def test_a_name_that_is_no_file_name_is_refused(write, name):
    with pytest.raises(ValueError, match=r"manifest\.yaml"):
        read_resources(write({name: ENTRY}))


def test_two_resources_do_not_share_a_place(write):
    with pytest.raises(ValueError, match=r"b: expected a path of its own, found a's resources/a\.zip"):
        read_resources(write({"a": ENTRY, "b": ENTRY}))
    archives = {
        name: {**ENTRY, "path": f"resources/{name}.zip", "unpacked_to": "resources/videos"} for name in "ab"
    }
    with pytest.raises(ValueError, match=r"b: expected a path of its own, found a's resources/videos"):
        read_resources(write(archives))


def test_unknown_names_are_refused_with_the_known_ones(write):
    manifest = read_resources(write({"a": ENTRY}))
    with pytest.raises(
        ValueError, match=r"config\.yaml: resources: expected names among \['a'\] .*found 'b'"
    ):
        manifest.check_local({"a": Path("x"), "b": Path("y")}, "config.yaml: resources")
    with pytest.raises(
        ValueError, match=r"resources\.a\.path: expected a file elsewhere, found the resource's own"
    ):
        manifest.check_local({"a": Path("resources/a.zip")}, "config.yaml: resources")
    with pytest.raises(ValueError, match=r"expected one of the resources \['a'\], found 'b'"):
        manifest.get("b")


@pytest.mark.parametrize(
    ("size", "limit"),
    [("about 13 GB", 26 * 10**9), ("about 80 MB", 160 * 10**6), (1803980, None), (None, None)],
)
def test_a_size_known_roughly_bounds_a_download(write, size, limit):
    path = write({"a": {**ENTRY, "size": size}})
    (resource,) = read_resources(path).resources.values()
    assert resource.limit == limit
