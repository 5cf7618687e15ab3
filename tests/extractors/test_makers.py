"""What arrays were made by is written down, and said where it is not today's; it is no part of a key."""

import json
import logging
from importlib.metadata import version
from pathlib import Path

import fake_kind
import numpy as np
import pytest
from fake_kind import KIND, PARAMETERS

import extractors.jobs.extraction as extraction_module
from extractors.__main__ import main
from extractors.jobs.extraction import Runtime
from extractors.jobs.outcomes import Counts, Delivery
from extractors.jobs.shard import Source, extract_shard
from extractors.provenance.explanation import as_json, as_text, explain
from extractors.provenance.fingerprint import fingerprint
from extractors.provenance.makers import find_differences, fingerprint_kind, list_code
from extractors.registry import KINDS
from extractors.storage.libraries import differing_libraries, library_versions
from extractors.storage.results import ARRAY
from extractors.storage.store import DESCRIPTION, Store

OTHER = "0" * 64


def extract(folder: Path) -> Counts:
    sources = []
    for video in "abc":
        path = folder / f"{video}.txt"
        path.write_text(str(ord(video)))
        sources.append(Source(video, path))
    delivery = Delivery(folder / "out", folder / "out" / "000.tsv")
    return extract_shard(KIND, PARAMETERS, sources, Store(folder / "store"), delivery, Runtime())


def described(folder: Path) -> dict:
    return json.loads((folder / "out" / "a.json").read_text())


def keep_array(store: Store, key: str, **made: object) -> Path:
    """Stores an array of `pann` that was made by today's code, but for what `made` says otherwise."""
    today = {
        "kind": "pann",
        "code_version": 2,
        "parameters": {"weights": "random", "seed": 0},
        "source_sha256": OTHER,
        "libraries": library_versions(),
        "code": fingerprint_kind(KINDS["pann"]),
    }
    description = {name: value for name, value in {**today, **made}.items() if value is not None}
    with store.adding(key * 64, description) as folder:
        np.save(folder / ARRAY, np.full((1, 2), ord(key), np.float32))
    return store.get(key * 64).folder


@pytest.mark.parametrize("name", ["i3d", "i3d_r50", "pann", "vggish"])
def test_the_code_of_a_kind_is_its_network_its_reader_and_what_they_import(name: str) -> None:
    code = list_code(KINDS[name])
    kinds = [module for module in code if module.startswith("extractors.kinds.")]
    assert kinds == [f"extractors.kinds.{name}.network"]
    assert {"extractors.models.network", "extractors.models.weights", "extractors.media.batching"} < set(code)
    assert {"extractors.media.container", "extractors.media.decoding"} < set(code)
    is_visual = KINDS[name].modality == "visual"
    assert ("extractors.media.decord_reader" in code) == is_visual
    assert ("extractors.media.mixing" in code) != is_visual
    assert "extractors.media.preview" not in code
    assert "extractors.jobs.shard" not in code


def test_a_kind_outside_the_package_is_fingerprinted_too() -> None:
    assert "fake_kind" in list_code(KIND)
    assert fingerprint_kind(KIND) == fingerprint([fake_kind.__name__, *list_code(KIND)])


def test_differences_are_told_in_words() -> None:
    made = {"code": OTHER, "libraries": {"torch": "1.0", "numpy": version("numpy"), "no-such-library": "2"}}
    assert find_differences(made, OTHER) == ["no-such-library 2", "torch 1.0"]
    assert find_differences(made, "1" * 64)[0] == "other code"
    assert find_differences({"libraries": {}}, OTHER) == ["code that was not recorded"]
    assert differing_libraries(library_versions()) == {}


def test_an_array_made_today_is_restored_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    extract(tmp_path)
    assert described(tmp_path)["code"] == fingerprint_kind(KIND)
    with caplog.at_level(logging.WARNING):
        assert extract(tmp_path).restored == 3
    assert not caplog.messages


def test_other_code_is_said_once_per_shard_and_changes_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(extraction_module, "fingerprint_kind", lambda kind: OTHER)
        extract(tmp_path)
    assert described(tmp_path)["code"] == OTHER
    manifest = (tmp_path / "out" / "000.tsv").read_bytes()
    counts = extract(tmp_path)
    assert (counts.computed, counts.restored) == (0, 3)
    assert (tmp_path / "out" / "000.tsv").read_bytes() == manifest
    assert caplog.messages == [
        "of 3 restored arrays some were made by what is not today's: other code (3); "
        "`extractors store verify --code` lists them"
    ]


def test_other_libraries_are_said_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(extraction_module, "library_versions", lambda *_: {"torch": "1.0", "decord": "0.5"})
        extract(tmp_path)
    extract(tmp_path)
    assert [message.split(": ")[1] for message in caplog.messages] == [
        "decord 0.5 (3), torch 1.0 (3); `extractors store verify --code` lists them"
    ]


def test_verify_lists_arrays_of_other_code_and_calls_them_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    keep_array(store, "a")
    other = keep_array(store, "b", code=OTHER, libraries={"av": "1.0"})
    old = keep_array(store, "c", code=None)
    keep_array(store, "d", kind="imported", code=None)
    keep_array(store, "e", kind="training", code=OTHER)
    assert main(["store", "verify", "--store", str(tmp_path), "--code"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{other}: pann made by other code, av 1.0",
        f"{old}: pann made by code that was not recorded",
        "arrays made by other code or libraries than today's: 2",
        "every entry is whole (5)",
    ]
    assert main(["store", "verify", "--store", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "every entry is whole (5)\n"


def test_only_verify_takes_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "list", "--store", str(tmp_path), "--code"]) != 0
    assert "--code: expected with verify, found with list" in capsys.readouterr().err


def test_explain_tells_the_code_and_what_is_not_todays(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for key, code in (("a", fingerprint_kind(KINDS["pann"])), ("b", OTHER)):
        keep_array(store, key, code=code)
        store.get(key * 64).link(
            {ARRAY: tmp_path / f"{key}.npy", DESCRIPTION: tmp_path / f"{key}.json"},
        )
        assert f"\n  code       SHA-256 {code}\n" in as_text(explain(tmp_path / f"{key}.npy"))
    same, other = explain(tmp_path / "a.npy"), explain(tmp_path / "b.npy")
    assert "DIFFERS" not in as_text(same)
    assert "\n  DIFFERS    from what would make it today: other code\n" in as_text(other)
    assert [as_json(same)["differences"], as_json(other)["differences"]] == [[], ["other code"]]
