import errno
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from extractors.storage.files import StorageError
from extractors.storage.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def add(store, key="a" * 64, text="hello"):
    with store.adding(key, {"kind": "test"}) as folder:
        (folder / "file.txt").write_text(text)
        (folder / "nested").mkdir()
        (folder / "nested" / "more.txt").write_text("more")
    return store.find(key)


def test_making_a_store_object_makes_nothing_on_disk(store):
    assert store.find("a" * 64) is None
    assert not store.root.exists()


def test_equal_ingredients_give_equal_keys_whatever_their_order():
    assert Store.key({"a": 1, "b": [2]}) == Store.key({"b": [2], "a": 1})
    assert Store.key({"a": 1}) != Store.key({"a": 2})


def test_an_added_entry_is_found_with_its_description_and_hashes(store):
    entry = add(store)
    assert entry.description["kind"] == "test"
    assert entry.description["files"] == {
        # printf hello | sha256sum
        "file.txt": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "nested/more.txt": "187897ce0afcf20b50ba2b37dca84a951b7046f29ed5ab94f010619f69d6e189",
    }
    assert (entry.folder / "nested" / "more.txt").read_text() == "more"


def test_a_failed_block_leaves_no_entry_and_no_rubbish(store):
    def fail_half_way():
        with store.adding("b" * 64, {}) as folder:
            (folder / "file.txt").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert store.find("b" * 64) is None
    assert list((store.root / "temporary").iterdir()) == []


def test_who_comes_second_finds_the_first_ones_entry(store):
    with store.adding("a" * 64, {"kind": "second"}) as folder:
        (folder / "file.txt").write_text("second")
        add(store, text="first")
    entry = store.find("a" * 64)
    assert (entry.folder / "file.txt").read_text() == "first"
    assert entry.damage() == []


def test_a_damaged_entry_counts_as_absent_and_is_taken_out(store):
    entry = add(store)
    path = entry.folder / "file.txt"
    path.chmod(0o644)
    path.write_text("hacked")
    assert "expected SHA-256 2cf24dba" in entry.damage()[0]
    assert store.find(entry.key) is None
    assert not entry.folder.exists()
    assert add(store).damage() == []


def test_links_share_the_entrys_bytes_and_survive_its_removal(store, tmp_path):
    entry = add(store)
    target = tmp_path / "results" / "x.txt"
    entry.link({"file.txt": target})
    entry.link({"file.txt": target})
    assert target.stat().st_ino == (entry.folder / "file.txt").stat().st_ino
    assert [path.name for path in target.parent.iterdir()] == ["x.txt"]
    assert entry.is_linked
    store.remove(entry)
    assert target.read_text() == "hello"
    assert store.find(entry.key) is None


def test_where_links_are_refused_files_are_copied(store, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError("cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    entry = add(store)
    entry.link({"file.txt": tmp_path / "x.txt"})
    assert (tmp_path / "x.txt").read_text() == "hello"
    assert not entry.is_linked


def test_stored_files_are_read_only(store):
    entry = add(store)
    assert (entry.folder / "file.txt").stat().st_mode & 0o222 == 0


def test_abandoned_temporary_folders_go_after_a_day(store):
    old, new = store.root / "temporary" / "old", store.root / "temporary" / "new"
    old.mkdir(parents=True)
    new.mkdir()
    os.utime(old, (0, 0))
    store.remove_abandoned()
    assert not old.exists()
    assert new.exists()


def test_entries_lists_every_whole_entry(store):
    add(store, "c" * 64)
    add(store, "a" * 64)
    (store.root / "entries" / "dd" / ("d" * 64)).mkdir(parents=True)
    assert [entry.key for entry in store.entries()] == ["a" * 64, "c" * 64]
    assert json.loads((store.find("a" * 64).folder / "description.json").read_text())["key"] == "a" * 64


def test_an_entry_that_cannot_be_read_counts_as_absent_and_can_be_made_again(store):
    entry = add(store)
    (entry.folder / "description.json").chmod(0o644)
    (entry.folder / "description.json").write_text("{")
    assert store.find(entry.key) is None
    assert add(store).damage() == []


def test_a_folder_without_description_does_not_block_its_key(store):
    folder = store.root / "entries" / "aa" / ("a" * 64)
    folder.mkdir(parents=True)
    (folder / "file.txt").write_text("left over")
    assert add(store).damage() == []


def test_removing_an_entry_twice_is_no_fault(store):
    entry = add(store)
    store.remove(entry)
    store.remove(entry)


def test_unfinished_work_is_for_one_at_a_time(store):
    order = []

    def work(name):
        with store.working_on("a" * 64) as folder:
            order.append(f"{name} begins")
            (folder / name).write_text("")
            time.sleep(0.05)
            order.append(f"{name} ends")

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = (entry.split()[0] for entry in order[::2])
    assert order == [f"{first} begins", f"{first} ends", f"{second} begins", f"{second} ends"]


def test_unfinished_work_that_came_to_an_end_leaves_nothing(store):
    with store.working_on("a" * 64) as folder:
        (folder / "half").write_text("")
        (folder / "half").unlink()
    with store.working_on("b" * 64) as folder:
        (folder / "half").write_text("")
    assert [path.name for path in (store.root / "partial").iterdir()] == ["b" * 64]


def test_a_damaged_entry_that_cannot_be_taken_out_is_told(store, monkeypatch):
    entry = add(store)
    path = entry.folder / "file.txt"
    path.chmod(0o644)
    path.write_text("hacked")

    def refuse(*arguments):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(StorageError, match=r"\(damaged, and to be made again\): .* mounted for writing"):
        store.find(entry.key)


USE = """
import encodings.utf_8_sig, os, sys
from pathlib import Path
from extractors.storage.store import Store
# After the imports: the user may not be allowed to read the interpreter.
os.setgroups([54321])
os.setgid(int(sys.argv[4]))
os.setuid(int(sys.argv[4]))
os.umask(int(sys.argv[2], 8))
store, key, user = Store(Path(sys.argv[1])), sys.argv[3], sys.argv[4]
with store.working_on("c" * 64) as folder:
    (folder / user).write_text("half")
    print(sorted(path.name for path in folder.iterdir()))
with store.adding(key * 64, {"kind": "test"}) as folder:
    (folder / "file.txt").write_text(user)
for entry in store.entries():
    assert entry.damage() == []
    entry.link({"file.txt": Path(sys.argv[5]) / f"{user} of {entry.key[0]}"})
"""


@pytest.fixture
def shared():
    """A folder that every user can reach, as those of pytest cannot be."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def use_as(user, folder, umask, key):
    """Uses a store as a user of the group 54321."""
    out = folder / f"results of {user}"
    out.mkdir(exist_ok=True)
    os.chown(out, user, 54321)
    command = [sys.executable, "-c", USE, str(folder / "store"), umask, key, str(user), str(out)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_two_users_of_a_group_share_a_store(shared):
    (shared / "store").mkdir()
    os.chown(shared / "store", 0, 54321)
    (shared / "store").chmod(0o2775)
    for user, key in ((54301, "a"), (54302, "b"), (54301, "d")):
        done = use_as(user, shared, "002", key)
        assert done.returncode == 0, done.stderr
    assert done.stdout == "['54301', '54302']\n"
    found = {path.name: path.read_text() for path in shared.glob("results of */*")}
    assert found["54302 of a"] == "54301"
    assert found["54301 of b"] == "54302"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_a_user_who_may_not_write_is_told_whom_to_ask(shared):
    (shared / "store").mkdir()
    os.chown(shared / "store", 54301, 54321)
    assert use_as(54301, shared, "022", "a").returncode == 0
    told = use_as(54302, shared, "022", "b").stderr
    assert "cannot be written (Permission denied" in told
    assert "ask its owner or write elsewhere (docs/cluster.md says how a group shares a store)" in told
