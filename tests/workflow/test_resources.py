"""Annotations, word vectors and videos that the workflow fetches from a server here, verifies and unpacks."""

import hashlib
import io
import json
import re
import shutil
import zipfile

import pandas as pd
import pytest
import yaml
from file_server import Answer, FileServer, serve
from project import Project, new_project

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

NAME = "web"
VIDEOS = f"results/{NAME}/videos.tsv"
QUERIES = f"results/{NAME}/queries/queries.parquet"
CAPTIONS = {
    split: json.dumps(
        {video: {"duration": 9.0, "timestamps": [[1, 2]], "sentences": ["A red circle moves."]}}
    ).encode()
    for split, video in (("train", "AAA"), ("test", "BBB"))
}
MEDIA = {"AAA": b"video a", "BBB": b"video b", "CCC": b"video c, which no query is about"}
DATASET = {
    "annotations": {
        "format": "activitynet_captions",
        "splits": {split: f"resources/web/{split}.json" for split in CAPTIONS},
    },
    "videos": "resources/web/videos",
    "extractors": {
        "i3d": {"kind": "i3d", "weights": "resources/weights/i3d.pt"},
        "pann": {"kind": "pann", "weights": "random"},
    },
    "streams": {"visual": "i3d", "audio": "pann"},
    "queries": {"embedding": "resources/words.txt", "embedding_width": 2},
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zip_of(media: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("Set/readme.txt", "hello")
        for name, content in media.items():
            archive.writestr(f"Set/{name}.mp4", content)
    return file.getvalue()


FILES = {
    "/train.json": CAPTIONS["train"],
    "/test.json": CAPTIONS["test"],
    "/words.txt": b"red 1 0\ncircle 0 1\n",
    "/videos.zip": zip_of(MEDIA),
    "/i3d.pt": b"weights",
}


def write_manifest(project: Project, server: FileServer) -> None:
    def entry(path: str, file: str, **facts: object) -> dict[str, object]:
        return {"path": path, "url": f"{server.url}/{file}", "licence": "none", **facts}

    manifest = {
        "train": entry("resources/web/train.json", "train.json", sha256=sha256(CAPTIONS["train"])),
        "test": entry("resources/web/test.json", "test.json", md5=hashlib.md5(CAPTIONS["test"]).hexdigest()),
        "words": entry("resources/words.txt", "words.txt", sha256_prefix=sha256(FILES["/words.txt"])[:8]),
        "videos": entry("resources/web/videos.zip", "videos.zip", unpacked_to="resources/web/videos"),
        "weights": entry("resources/weights/i3d.pt", "i3d.pt"),
    }
    path = project.path("resources/manifest.yaml")
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(manifest, sort_keys=False))


def configure(project: Project, **keys: object) -> None:
    path = project.path("config/config.yaml")
    values = {**yaml.safe_load(path.read_text()), "manifest": "resources/manifest.yaml", **keys}
    path.write_text(yaml.safe_dump(values))


def paths(server: FileServer) -> list[str]:
    return sorted(path for path, _ in server.requests)


@pytest.fixture(scope="module")
def server():
    """A server; tests that look at its requests clear them first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        with serve(FILES) as server:
            yield server


@pytest.fixture
def fresh(tmp_path, server) -> Project:
    """A project that knows the server's files and has none of them."""
    project = new_project(tmp_path / "project", DATASET, NAME)
    write_manifest(project, server)
    configure(project)
    server.requests.clear()
    return project


@pytest.fixture(scope="module")
def finished(tmp_path_factory, server) -> tuple[Project, list[str]]:
    """A project whose videos are listed and queries prepared, and what it asked the server for."""
    project = new_project(tmp_path_factory.mktemp("web") / "project", DATASET, NAME)
    write_manifest(project, server)
    configure(project)
    server.answers.append(Answer(cut=5))
    project.make(VIDEOS, QUERIES)
    return project, paths(server)


@pytest.fixture
def made(finished, tmp_path, server) -> Project:
    project = finished[0].copy(tmp_path / "project")
    server.requests.clear()
    return project


def test_what_is_needed_is_fetched_and_unpacked_and_nothing_else(finished):
    project, asked = finished
    table = pd.read_csv(project.path(VIDEOS), sep="\t").set_index("video")
    assert dict(table["path"]) == {name: f"resources/web/videos/{name}.mp4" for name in ("AAA", "BBB")}
    for name in ("AAA", "BBB"):
        assert project.path(f"resources/web/videos/{name}.mp4").read_bytes() == MEDIA[name]
    assert not project.path("resources/web/videos/CCC.mp4").exists()
    assert set(pd.read_parquet(project.path(QUERIES))["video"]) == {"AAA", "BBB"}
    # Nobody asked for features, which would take weights. The first answer was cut, and asked for again.
    assert set(asked) == {"/train.json", "/test.json", "/words.txt", "/videos.zip"}
    assert len(asked) == 5


def test_logs_and_records_are_left(finished):
    project, _ = finished
    assert "fetched, verified" in project.log("fetch_resource/web/videos.zip.log")
    assert "2 videos" in project.log(f"unpack_videos/web/videos/{NAME}.log")
    recorded = project.path("resources/web/videos.zip.sha256").read_text()
    assert recorded == f"{sha256(FILES['/videos.zip'])}  videos.zip\n"
    assert not project.path("resources/web/train.json.sha256").exists()


def test_a_second_run_has_nothing_to_do_even_without_the_archive(made, server):
    made.path("resources/web/videos.zip").unlink()
    shutil.rmtree(made.path("resources/.downloads"))
    assert made.make(VIDEOS, QUERIES).did_nothing
    assert server.requests == []


def test_all_again_downloads_nothing_and_keeps_every_video(made, server):
    before = made.path("resources/web/videos/AAA.mp4").stat().st_mtime_ns
    outcome = made.make(VIDEOS, "--forceall")
    assert outcome.jobs == {"fetch_resource": 3, "unpack_videos": 1, "list_videos": 1}
    assert server.requests == []
    assert made.path("resources/web/videos/AAA.mp4").stat().st_mtime_ns == before


def test_a_changed_manifest_entry_verifies_what_is_here_and_keeps_it(made, server):
    manifest = made.path("resources/manifest.yaml")
    entries = yaml.safe_load(manifest.read_text())
    entries["train"] |= {"url": f"{server.url}/moved.json", "size": len(CAPTIONS["train"])}
    entries["words"] |= {"licence": "CC0", "needed_by": ["results/web/queries"]}
    manifest.write_text(yaml.safe_dump(entries))
    outcome = made.make("resources/web/train.json", "resources/words.txt")
    assert outcome.jobs == {"fetch_resource": 1}
    assert server.requests == []
    assert made.path("resources/web/train.json").read_bytes() == CAPTIONS["train"]


def test_removed_videos_are_unpacked_again_before_features_would_call_them_missing(made):
    shard = f"results/{NAME}/features/pann/shards/000.tsv"
    made.make(shard)
    manifest = made.path(shard).read_bytes()
    shutil.rmtree(made.path("resources/web/videos"))
    jobs = made.make(shard).jobs
    assert jobs["unpack_videos"] == jobs["list_videos"] == 1
    assert made.path("resources/web/videos/AAA.mp4").read_bytes() == MEDIA["AAA"]
    assert made.path(shard).read_bytes() == manifest
    assert b"missing" not in manifest


def test_files_and_folders_of_the_users_replace_downloads(fresh, server):
    mine = fresh.path("mine")
    (mine / "videos" / "sub").mkdir(parents=True)
    (mine / "videos" / "sub" / "AAA.mp4").write_bytes(b"another version")
    (mine / "videos" / "BBB.mp4").write_bytes(MEDIA["BBB"])
    (mine / "train.json").write_bytes(CAPTIONS["train"])
    replaced = {"train": {"path": "mine/train.json"}, "videos": {"path": "mine/videos"}}
    configure(fresh, resources=replaced)
    outcome = fresh.make(VIDEOS)
    assert outcome.jobs == {"fetch_resource": 2, "list_videos": 1}
    assert paths(server) == ["/test.json"]
    assert fresh.path("resources/web/train.json").resolve() == mine / "train.json"
    assert pd.read_csv(fresh.path(VIDEOS), sep="\t").loc[0, "path"] == "mine/videos/sub/AAA.mp4"
    assert fresh.make(VIDEOS).did_nothing
    # A changed file is verified again.
    (mine / "train.json").write_bytes(b"{}")
    outcome = fresh.snakemake("--", VIDEOS)
    assert outcome.status == 1
    assert f"expected SHA-256 {sha256(CAPTIONS['train'])}, found {sha256(b'{}')}" in outcome.output


def test_a_local_archive_is_unpacked(fresh, server):
    fresh.path("mine.zip").write_bytes(FILES["/videos.zip"])
    configure(fresh, resources={"videos": {"path": "mine.zip"}})
    fresh.make(VIDEOS)
    assert paths(server) == ["/test.json", "/train.json"]
    assert fresh.path("resources/web/videos/AAA.mp4").read_bytes() == MEDIA["AAA"]


def test_videos_put_into_the_final_folder_are_used_where_the_configuration_says_so(fresh, server):
    folder = fresh.path("resources/web/videos")
    folder.mkdir(parents=True)
    (folder / "AAA.mp4").write_bytes(b"mine")
    (folder / "BBB.mp4").write_bytes(MEDIA["BBB"])
    configure(fresh, resources={"videos": {"path": "resources/web/videos"}})
    assert fresh.make(VIDEOS, "--forceall").jobs == {"fetch_resource": 2, "list_videos": 1}
    assert (folder / "AAA.mp4").read_bytes() == b"mine"
    assert "/videos.zip" not in paths(server)


def test_a_damaged_download_ends_the_run_with_both_hashes(fresh, server):
    wrong = CAPTIONS["train"][:-1] + b"!"
    server.files["/train.json"] = wrong
    try:
        outcome = fresh.snakemake("--", QUERIES)
    finally:
        server.files["/train.json"] = CAPTIONS["train"]
    assert outcome.status == 1
    assert f"expected SHA-256 {sha256(CAPTIONS['train'])}, found {sha256(wrong)}" in outcome.output
    assert "Traceback" not in outcome.output
    assert "prepare_queries" not in outcome.jobs
    assert not fresh.path("resources/web/train.json").exists()
    fresh.make(QUERIES)


@pytest.mark.parametrize(
    ("resources", "changes", "messages"),
    [
        ({"vidoes": {"path": "x"}}, {}, ["config/config.yaml: resources: ", "'videos'", "found 'vidoes'"]),
        ({"videos": {"file": "x"}}, {}, ["config/config.yaml:", "resources.videos.file: "]),
        (
            {"videos": {"path": "no/where"}},
            {},
            ["error: config/config.yaml: resources.videos.path: ", "found nothing at no/where"],
        ),
        (
            {},
            {"videos": "resources/web/vidoes"},
            ["error: config/datasets/web.yaml: videos: ", "found nothing at resources/web/vidoes"],
        ),
        (
            {},
            {"queries.embedding": "resources/wrods.txt"},
            ["error: config/datasets/web.yaml: queries.embedding: ", "found nothing at resources/wrods.txt"],
        ),
    ],
    ids=["unknown name", "unknown key", "absent file", "unknown folder", "unknown file"],
)
def test_a_wrong_name_or_path_ends_the_run_before_any_job(fresh, server, resources, changes, messages):
    configure(fresh, resources=resources)
    fresh.edit(changes, NAME)
    outcome = fresh.snakemake("--", f"results/{NAME}/metrics.json")
    assert outcome.status == 1
    assert not outcome.jobs
    assert "Traceback" not in outcome.output
    for message in messages:
        assert message in outcome.output
    assert server.requests == []


def test_a_plan_to_metrics_fetches_the_weights_as_well(fresh, server):
    outcome = fresh.snakemake("--dry-run", "--", f"results/{NAME}/metrics.json")
    assert outcome.status == 0, outcome.output
    fetched = re.findall(r"output: (resources/\S+)", outcome.output)
    assert set(fetched) == {
        *("resources/web/train.json", "resources/web/test.json", "resources/words.txt"),
        *(
            "resources/web/videos.zip",
            "resources/weights/i3d.pt",
            f"resources/web/videos/{NAME}.unpacked.tsv",
        ),
    }
    assert server.requests == []
