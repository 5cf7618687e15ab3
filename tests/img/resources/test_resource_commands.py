import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from file_server import Answer

from img.__main__ import main
from img.resources.listing import DOWNLOADS, read_resources
from img.resources.status import format_table, inspect

CONTENT = b"hello\n"


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """The folder of a project with a manifest, the working folder of the test."""
    monkeypatch.chdir(tmp_path)
    entry = {"url": "http://example.org/file", "licence": "CC0"}
    manifest = {
        "known": {
            **entry,
            "path": "resources/known",
            "size": len(CONTENT),
            "sha256": hashlib.sha256(CONTENT).hexdigest(),
            "needed_by": ["results/a", "results/b"],
        },
        "unknown": {**entry, "path": "resources/unknown", "licence": "unknown"},
        "videos": {
            **entry,
            "path": "resources/videos.zip",
            "size": "about 13 GB",
            "unpacked_to": "resources/videos",
        },
    }
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/manifest.yaml").write_text(yaml.safe_dump(manifest))
    return tmp_path


def look(local: dict[str, Path] | None = None, hashes: bool = False) -> dict[str, str]:
    manifest = read_resources(Path("resources/manifest.yaml"))
    return {status.name: status.state for status in inspect(manifest, local or {}, DOWNLOADS, hashes)}


def test_states_tell_what_is_here(project):
    assert look() == {"known": "missing", "unknown": "missing", "videos": "missing"}
    (project / "resources/known").write_bytes(CONTENT)
    (project / "resources/.downloads").mkdir()
    (project / "resources/.downloads/unknown.part").write_bytes(b"hel")
    (project / "resources/videos").mkdir()
    (project / "resources/videos/charades.unpacked.tsv").touch()
    assert look() == {"known": "present", "unknown": "unfinished", "videos": "unpacked"}


def test_a_wrong_size_is_seen_at_once_and_wrong_bytes_where_hashes_are_asked_for(project):
    known = project / "resources/known"
    known.write_bytes(CONTENT * 2)
    assert look()["known"] == "damaged"
    known.write_bytes(b"hallo\n")
    assert look()["known"] == "present"
    assert look(hashes=True)["known"] == "damaged"


def test_files_of_the_users_are_looked_at_in_the_place_of_resources(project):
    (project / "mine").write_bytes(CONTENT)
    (project / "folder").mkdir()
    local = {"known": Path("mine"), "unknown": Path("folder"), "videos": Path("folder")}
    # A folder takes the place of an archive of videos, not of a file.
    assert look(local) == {"known": "local", "unknown": "damaged", "videos": "local"}
    (project / "mine").write_bytes(b"hallo\n")
    assert look(local, hashes=True)["known"] == "damaged"


def test_the_table_tells_size_licence_path_and_what_needs_it(project):
    (project / "resources/.downloads").mkdir()
    (project / "resources/.downloads/videos.part").write_bytes(bytes(1_500))
    manifest = read_resources(Path("resources/manifest.yaml"))
    lines = format_table(inspect(manifest, {}, DOWNLOADS, False)).splitlines()
    assert [line.split() for line in lines] == [
        ["name", "state", "size", "licence", "path", "needed", "by"],
        ["known", "missing", "6", "B", "CC0", "resources/known", "results/a,", "results/b"],
        ["unknown", "missing", "unknown", "unknown", "resources/unknown"],
        ["videos", "unfinished", "1.5", "kB", "of", "about", "13", "GB", "CC0", "resources/videos.zip"],
    ]


def test_the_command_shows_the_table_and_fails_over_damage(project, capsys):
    assert main(["resources"]) == 0
    assert "missing" in capsys.readouterr().out
    (project / "resources/known").write_bytes(b"hallo\n")
    assert main(["resources", "--verify"]) == 1
    shown = capsys.readouterr()
    assert hashlib.sha256(CONTENT).hexdigest() in shown.out
    assert hashlib.sha256(b"hallo\n").hexdigest() in shown.out
    assert "error: 1 of 3 resources are damaged: known" in shown.err


def test_the_command_reads_the_configuration(project, capsys):
    (project / "mine").write_bytes(CONTENT)
    (project / "config").mkdir()
    configuration = project / "config/config.yaml"
    configuration.write_text(yaml.safe_dump({"resources": {"known": {"path": "mine"}}}))
    assert main(["resources"]) == 0
    assert "local" in capsys.readouterr().out
    configuration.write_text(yaml.safe_dump({"resources": {"knwon": {"path": "mine"}}}))
    assert main(["resources"]) == 1
    assert "config/config.yaml: resources: expected names among ['known'" in capsys.readouterr().err


def test_the_fetch_command_puts_a_file_into_the_manifests_place(project, server, content):
    manifest = {"it": {"path": "resources/a/it", "url": f"{server.url}/file", "licence": "CC0"}}
    (project / "resources/manifest.yaml").write_text(yaml.safe_dump(manifest))
    assert main(["fetch", "it"]) == 0
    assert (project / "resources/a/it").read_bytes() == content
    assert look() == {"it": "present"}
    assert main(["fetch", "it", "--out", "elsewhere/it"]) == 0
    assert (project / "elsewhere/it").read_bytes() == content
    assert len(server.requests) == 1


def test_the_fetch_command_takes_the_file_that_the_configuration_names(project, server, content):
    manifest = {"it": {"path": "resources/it", "url": f"{server.url}/file", "licence": "CC0"}}
    (project / "resources/manifest.yaml").write_text(yaml.safe_dump(manifest))
    (project / "mine").write_bytes(content)
    (project / "config").mkdir()
    (project / "config/config.yaml").write_text(yaml.safe_dump({"resources": {"it": {"path": "mine"}}}))
    assert main(["fetch", "it"]) == 0
    assert (project / "resources/it").readlink() == project / "mine"
    assert server.requests == []


def test_a_killed_fetch_is_gone_on_from_where_it_ended(project, server):
    large = bytes(range(256)) * 8_000
    server.files["/large"] = large
    server.answers.append(Answer(stall=1_500_000))
    manifest = {"it": {"path": "resources/it", "url": f"{server.url}/large", "licence": "CC0"}}
    (project / "resources/manifest.yaml").write_text(yaml.safe_dump(manifest))
    part = project / "resources/.downloads/it.part"
    process = subprocess.Popen([sys.executable, "-m", "img", "fetch", "it"], stderr=subprocess.DEVNULL)
    while not (part.exists() and part.stat().st_size > 1_000_000) and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (project / "resources/it").exists()
    arrived = part.stat().st_size
    assert main(["fetch", "it"]) == 0
    assert (project / "resources/it").read_bytes() == large
    assert server.ranges == [None, f"bytes={arrived}-"]


def test_the_fetch_command_tells_what_is_wrong(project, server, capsys):
    manifest = {"it": {"path": "resources/it", "url": f"{server.url}/none", "licence": "CC0"}}
    (project / "resources/manifest.yaml").write_text(yaml.safe_dump(manifest))
    assert main(["fetch", "it"]) == 1
    assert f"error: {server.url}/none: expected the file, the server answers 404" in capsys.readouterr().err
    assert main(["fetch", "ti"]) == 1
    assert "error: expected one of the resources ['it'], found 'ti'" in capsys.readouterr().err
