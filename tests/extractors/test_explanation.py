import hashlib
import json

import numpy as np
import pytest
from fake_kind import KIND, PARAMETERS

from extractors.__main__ import main
from extractors.jobs.extraction import Runtime, identify
from extractors.jobs.outcomes import Delivery
from extractors.jobs.shard import Source, extract_shard
from extractors.provenance.explanation import as_text, explain
from extractors.registry import parse
from extractors.storage.libraries import library_versions
from extractors.storage.results import ARRAY
from extractors.storage.store import DESCRIPTION, Store


@pytest.fixture
def folder(tmp_path):
    """An extraction of the made-up kind: `a`, three windows of two rows, one second each."""
    (tmp_path / "a.txt").write_text("1 2 3")
    extract_shard(
        KIND,
        PARAMETERS,
        [Source("a", tmp_path / "a.txt")],
        Store(tmp_path / "store"),
        Delivery(tmp_path / "out", tmp_path / "out" / "manifest.tsv"),
        Runtime(),
    )
    return tmp_path / "out"


def describe(folder, settings, rows, windows, **more):
    """Stores and links an array `v` with the description that an extraction by these settings gives."""
    kind, parameters = parse(settings)
    seconds = [[float(row), row + 1.0] for row in range(rows)]
    made = {
        **identify(kind, parameters),
        "source_sha256": "0" * 64,
        "decoder": "pyav",
        "windows": windows,
        "row_seconds": seconds,
        "device": "cpu",
        "batch_size": 4,
        "libraries": library_versions(),
        **more,
    }
    store = Store(folder / "store")
    with store.adding("f" * 64, {name: value for name, value in made.items() if value is not None}) as entry:
        np.save(entry / ARRAY, np.ones((rows, 2), np.float32))
    store.get("f" * 64).link({ARRAY: folder / "v.npy", DESCRIPTION: folder / "v.json"})
    return folder / "v.npy"


def test_an_array_says_how_it_was_made(folder, tmp_path):
    text = as_text(explain(folder / "a.npy"))
    array = hashlib.sha256((folder / "a.npy").read_bytes()).hexdigest()
    video = hashlib.sha256(b"1 2 3").hexdigest()
    assert text.startswith(f"{folder / 'a.npy'}: float32 [6, 1]\n")
    for line in (
        f"array      SHA-256 {array}, as described in {folder / 'a.json'}",
        "kind       doubler, code version 1",
        "weights    random, seed 0",
        f"video      SHA-256 {video}",
        "decoder    first",
        "covers     0 to 3 s in 6 rows",
        "windows    3 of 2 rows, seconds: 0.000-1.000 1.000-2.000 2.000-3.000",
        "made on    cpu, in batches of 4",
        f"libraries  python {library_versions()['python']}, torch {library_versions()['torch']}",
    ):
        assert f"\n  {line}" in text, line


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"kind": "i3d", "preset": "charades", "weights": "random"},
            "24 frames per second by timestamp, windows of 24 every 24, "
            "shorter side enlarged where it is below 226 pixels, centre crop of 224",
        ),
        (
            {"kind": "i3d", "preset": "activitynet", "weights": "random"},
            "every frame, windows of 16 every 16, shorter side scaled to 224 pixels, centre crop of 224",
        ),
        (
            {"kind": "pann", "weights": "random", "hop_seconds": 0.5},
            "sound at 32 kHz, windows of 1 s every 0.5 s",
        ),
    ],
)
def test_sampling_is_told_in_words(tmp_path, settings, words):
    assert f"\n  sampling   {words}\n" in as_text(explain(describe(tmp_path, settings, 2, 2)))


def test_weights_are_told_by_name_and_hash(tmp_path):
    for name in ("weights.pth", "pca.npz"):
        (tmp_path / name).write_bytes(name.encode())
    settings = {"kind": "vggish", "weights": tmp_path / "weights.pth", "pca": tmp_path / "pca.npz"}
    names = {"weights": "weights.pth", "pca": "pca.npz"}
    text = as_text(explain(describe(tmp_path, settings, 2, 2, file_names=names)))
    for key, name in names.items():
        hashed = hashlib.sha256(name.encode()).hexdigest()
        assert f"\n  {key:<10} {name}, SHA-256 {hashed}\n" in text
    assert "0.96 s every 0.96 s" in text


def test_the_names_of_files_are_recorded_but_make_no_other_key(tmp_path):
    (tmp_path / "a.txt").write_text("1")
    keys = []
    for name in ("one.pt", "two.pt"):
        (tmp_path / name).write_bytes(b"same")
        extract_shard(
            KIND,
            KIND.parameters(weights=tmp_path / name),
            [Source("a", tmp_path / "a.txt")],
            Store(tmp_path / f"store of {name}"),
            Delivery(tmp_path / name.removesuffix(".pt"), tmp_path / "manifest.tsv"),
            Runtime(),
        )
        made = json.loads((tmp_path / name.removesuffix(".pt") / "a.json").read_text())
        assert made["file_names"] == {"weights": name}
        keys.append(made["key"])
    assert keys[0] == keys[1]


def test_a_description_from_before_names_and_windows_were_recorded_is_told_too(tmp_path):
    (tmp_path / "w.pt").write_bytes(b"w")
    settings = {"kind": "i3d", "weights": tmp_path / "w.pt"}
    text = as_text(explain(describe(tmp_path, settings, 2, None)))
    assert "weights    name not recorded, SHA-256 " in text
    assert (
        "rows (how many windows they come from was not recorded), 2, seconds: 0.000-1.000 1.000-2.000" in text
    )


def test_parameters_that_this_version_does_not_know_are_listed_as_they_are(tmp_path):
    path = describe(
        tmp_path, {"kind": "pann", "weights": "random"}, 2, 2, parameters={"weights": "x", "hop": 3}
    )
    assert "\n  sampling   weights x, hop 3\n" in as_text(explain(path))


def test_many_windows_are_shortened_unless_all_are_wanted(tmp_path, capsys):
    path = describe(tmp_path, {"kind": "pann", "weights": "random"}, 8, 8)
    assert main(["explain", str(path)]) == 0
    assert (
        "8 of 1 row, seconds: 0.000-1.000 1.000-2.000 2.000-3.000 ... 5.000-6.000 6.000-7.000 7.000-8.000\n"
        in (capsys.readouterr().out)
    )
    assert main(["explain", str(path), "--windows"]) == 0
    assert "2.000-3.000 3.000-4.000 4.000-5.000 5.000-6.000" in capsys.readouterr().out


def test_an_array_that_is_not_the_one_described_is_a_fault(folder, capsys):
    (folder / "a.npy").unlink()
    np.save(folder / "a.npy", np.zeros((6, 1), np.float32))
    assert main(["explain", str(folder / "a.npy")]) == 1
    out = capsys.readouterr().out
    assert "FAULT      this is not what is described: a.json expects SHA-256 " in out
    assert "kind       doubler" in out


def test_an_array_that_is_damaged_beyond_reading_is_still_explained(folder, capsys):
    (folder / "a.npy").unlink()
    (folder / "a.npy").write_bytes(b"")
    assert main(["explain", str(folder / "a.npy")]) == 1
    assert "a.npy: nothing readable" in capsys.readouterr().out


def test_without_a_description_what_can_be_said_is_said(folder, capsys):
    (folder / "a.json").unlink()
    assert main(["explain", str(folder / "a.npy")]) == 1
    out = capsys.readouterr().out
    assert "a.npy: float32 [6, 1]" in out
    assert "FAULT      nothing describes it: expected a.json beside it, found none\n" in out


def test_a_store_knows_an_array_by_its_content(folder, tmp_path, capsys):
    (folder / "a.json").unlink()
    (folder / "a.npy").rename(folder / "renamed.npy")
    assert main(["explain", str(folder / "renamed.npy"), "--store", str(tmp_path / "store")]) == 0
    out = capsys.readouterr().out
    assert "as described in " in out
    assert "kind       doubler" in out
    np.save(folder / "other.npy", np.zeros(1))
    assert main(["explain", str(folder / "other.npy"), "--store", str(tmp_path / "store")]) == 1
    assert "holds no entry of its content" in capsys.readouterr().out


def test_one_file_that_is_absent_does_not_keep_the_others_from_being_explained(folder, capsys):
    assert main(["explain", str(folder / "gone.npy"), str(folder / "a.npy")]) == 1
    printed = capsys.readouterr()
    assert "gone.npy: expected a feature array or texts, found no file" in printed.err
    assert "kind       doubler" in printed.out


def test_as_json_the_whole_description_is_given(folder, capsys):
    assert main(["explain", "--json", str(folder / "a.npy")]) == 0
    (explanation,) = json.loads(capsys.readouterr().out)
    assert explanation["is_described"] is True
    assert explanation["content"] == "float32 [6, 1]"
    assert explanation["description"] == json.loads((folder / "a.json").read_text())


def test_another_json_beside_an_array_is_named(folder, capsys):
    (folder / "a.json").unlink()
    (folder / "a.json").write_text('{"kind": "something"}')
    assert main(["explain", str(folder / "a.npy")]) == 1
    assert "a.json: expected the description of an array, found one without code_version, files" in (
        capsys.readouterr().err
    )


def test_a_damaged_array_or_description_is_told_and_no_crash(folder, capsys):
    array, description = folder / "a.npy", folder / "a.json"
    content = array.read_bytes()
    array.unlink()
    for position in range(0, 128, 3):
        damaged = bytearray(content)
        damaged[position] ^= 4
        array.write_bytes(damaged)
        assert main(["explain", str(array)]) == 1
        assert "FAULT      this is not what is described" in capsys.readouterr().out
    description.unlink()
    description.write_text("[" * 100_000)
    assert main(["explain", str(array)]) == 1
    assert "a.json: expected JSON, found values nested too deeply" in capsys.readouterr().err
