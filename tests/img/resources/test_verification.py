import hashlib
import subprocess

import pytest

from img.resources.checksums import Checksum
from img.resources.listing import Resource
from img.resources.verification import MismatchError, verify

# Known answers: the hashes of `hello\n`, 6 bytes; git's is what `git hash-object` prints.
HASHES = {
    "sha256": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
    "md5": "b1946ac92492d2347c6235b4d2611184",
    "git_blob": "ce013625030ba8dba906f756967f9e9ca394464a",
    "sha256_prefix": "5891b5b5",
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"hello\n")
    return path


def make(**facts) -> Resource:
    return Resource(path="resources/file", url="http://example.org/file", licence="none", **facts)


@pytest.mark.parametrize(("kind", "value"), HASHES.items())
def test_each_kind_of_hash_knows_its_file(path, tmp_path, kind, value):
    verify(path, make(**{kind: value}), tmp_path / "record")
    path.write_bytes(b"hallo\n")
    found = Checksum(kind, value).find(path)
    with pytest.raises(MismatchError, match=f"{path}: expected .* {value}, found {found}"):
        verify(path, make(**{kind: value}), tmp_path / "record")


def test_a_blob_hash_is_gits_own_of_a_file_longer_than_a_chunk(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 300_000)
    git = subprocess.run(["git", "hash-object", str(path)], capture_output=True, text=True, check=True)
    assert Checksum("git_blob", "").find(path) == git.stdout.strip()


def test_every_published_fact_counts(path, tmp_path):
    facts = {"size": 6, **HASHES}
    verify(path, make(**facts), tmp_path / "record")
    with pytest.raises(MismatchError, match=f"{path}: expected 7 bytes, found 6"):
        verify(path, make(**{**facts, "size": 7}), tmp_path / "record")
    for kind in HASHES:
        other = "0" * len(HASHES[kind])
        with pytest.raises(MismatchError, match=f"{other}, found "):
            verify(path, make(**{**facts, kind: other}), tmp_path / "record")


def test_a_size_that_is_about_right_is_not_compared(path, tmp_path):
    verify(path, make(size="about 13 GB", md5=HASHES["md5"]), tmp_path / "record")
    assert not (tmp_path / "record").exists()


def test_a_record_is_one_that_sha256sum_reads(path):
    record = path.with_name("record")
    verify(path, make(), record)
    assert record.read_text() == f"{HASHES['sha256']}  file\n"
    subprocess.run(["sha256sum", "--check", "--strict", "record"], cwd=path.parent, check=True)


def test_the_first_record_holds(path, tmp_path):
    record = tmp_path / "record"
    verify(path, make(), record)
    path.write_bytes(b"hallo\n")
    found = hashlib.sha256(b"hallo\n").hexdigest()
    message = (
        f"expected SHA-256 {HASHES['sha256']}, as {record} recorded it .* found {found}; .*delete {record}"
    )
    with pytest.raises(MismatchError, match=message):
        verify(path, make(), record)
    assert record.read_text() == f"{HASHES['sha256']}  file\n"
