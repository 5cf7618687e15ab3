import os
import re
import time

import pytest

from extractors.__main__ import main
from extractors.storage.store import Store

DAY = 24 * 3600


@pytest.fixture
def store(tmp_path):
    """Two arrays, of 1,000 and 2,000 bytes, the first linked; and a training run of 500,000 bytes."""
    store = Store(tmp_path / "store")
    for key, kind, size in (("a", "i3d", 1000), ("b", "i3d", 2000), ("c", "training", 500_000)):
        with store.adding(key * 64, {"kind": kind}) as folder:
            (folder / "file").write_bytes(b"x" * size)
    store.get("a" * 64).link({"file": tmp_path / "result"})
    return store


def run(capsys, action, store, *more):
    status = main(["store", action, "--store", str(store.root), *more])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def age(store, key, days):
    folder = store.get(key * 64).folder
    os.utime(folder, (time.time() - days * DAY,) * 2)


def keys(store):
    return "".join(entry.key[0] for entry in store.entries())


def damage(store, key):
    path = store.get(key * 64).folder / "file"
    path.chmod(0o644)
    path.write_bytes(b"y")


def test_list_gives_a_table_of_entries_and_totals_by_kind(store, capsys):
    age(store, "b", 2)
    status, out, err = run(capsys, "list", store)
    assert status == 0
    assert out.splitlines() == [
        "key\tkind\tbytes\tlinked\tdays",
        f"{'a' * 64}\ti3d\t1000\tyes\t0.0",
        f"{'b' * 64}\ti3d\t2000\tno\t2.0",
        f"{'c' * 64}\ttraining\t500000\tno\t0.0",
    ]
    assert [line.split() for line in err.splitlines()] == [
        ["kind", "entries", "linked", "MB"],
        ["i3d", "2", "1", "0.0"],
        ["training", "1", "0", "0.5"],
        ["total", "3", "1", "0.5"],
    ]


def test_list_tells_of_unfinished_work(store, capsys):
    with store.working_on("d" * 64) as folder:
        (folder / "half").write_bytes(b"x" * 300_000)
    with store.working_on("e" * 64):
        pass
    assert "unfinished work: 1 folders, 0.3 MB\n" in run(capsys, "list", store)[2]


def test_list_works_where_a_file_of_an_entry_is_gone(store, capsys):
    (store.get("b" * 64).folder / "file").unlink()
    status, out, _ = run(capsys, "list", store)
    assert status == 0
    assert f"{'b' * 64}\ti3d\t0\tno" in out


def test_verify_says_that_all_is_whole(store, capsys):
    assert run(capsys, "verify", store)[:2] == (0, "every entry is whole (3)\n")


def test_verify_names_every_damaged_file_and_ends_with_status_1(store, capsys):
    damage(store, "a")
    (store.get("b" * 64).folder / "file").unlink()
    description = store.root / "entries" / "cc" / ("c" * 64) / "description.json"
    description.chmod(0o644)
    description.write_text("{")
    status, out, _ = run(capsys, "verify", store)
    assert status == 1
    assert re.search(r"aaa/file: expected SHA-256 [0-9a-f]{64}, found [0-9a-f]{64}\n", out)
    assert re.search(r"bbb/file: expected SHA-256 [0-9a-f]{64}, found no file\n", out)
    assert re.search(r"ccc: expected an entry with its description\.json, found none \(", out)
    assert out.endswith("3 of 3 entries are damaged; each is made again when it is next asked for\n")


def test_prune_keeps_what_is_linked_and_what_is_new(store, capsys):
    age(store, "a", 40)
    age(store, "b", 40)
    status, out, _ = run(capsys, "prune", store, "--older-than", "30")
    assert status == 0
    assert "pruned 1 entries, 0.0 MB, and 0 folders" in out
    assert "kept 1 entries that results are linked to and 1 newer ones\n" in out
    assert keys(store) == "ac"


def test_prune_takes_linked_entries_only_when_told_to(store, capsys, tmp_path):
    age(store, "a", 40)
    run(capsys, "prune", store, "--older-than", "30", "--even-linked")
    assert keys(store) == "bc"
    assert (tmp_path / "result").read_bytes() == b"x" * 1000


def test_a_dry_run_says_what_would_go_and_removes_nothing(store, capsys):
    status, out, _ = run(capsys, "prune", store, "--dry-run")
    assert status == 0
    assert "would prune 2 entries, 0.5 MB" in out
    assert ["training", "1", "0", "0.5"] in [line.split() for line in out.splitlines()]
    assert keys(store) == "abc"


def test_prune_without_an_age_is_refused(store, capsys):
    status, _, err = run(capsys, "prune", store)
    assert status == 1
    assert "expected --older-than DAYS" in err
    assert keys(store) == "abc"


def test_prune_takes_old_unfinished_work_that_nobody_is_at(store, capsys):
    old = time.time() - 40 * DAY
    for key in "de":
        with store.working_on(key * 64) as folder:
            (folder / "half").write_bytes(b"x")
        os.utime(folder / "half", (old, old))
        os.utime(folder, (old, old))
    with store.working_on("e" * 64):
        out = run(capsys, "prune", store, "--older-than", "30")[1]
    assert "and 1 folders of unfinished work" in out
    assert [folder.name[0] for folder in store.unfinished()] == ["e"]


def test_a_store_that_is_not_there_is_named(tmp_path, capsys):
    status, _, err = run(capsys, "list", Store(tmp_path / "gone"))
    assert status == 1
    assert "--store: expected a folder, found nothing at" in err
