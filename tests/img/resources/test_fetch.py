import hashlib

import pytest
from file_server import Answer

from img.resources.download import DownloadError
from img.resources.fetch import fetch, use_local
from img.resources.listing import Resource
from img.resources.verification import MismatchError, record_of

WRONG = b"wrong bytes"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def resource(server, content):
    """Makes a resource of the served file, by default with its SHA-256."""

    def make(**facts) -> Resource:
        facts = facts or {"sha256": sha256(content)}
        return Resource(path="resources/a/file", url=f"{server.url}/file", licence="none", **facts)

    return make


@pytest.fixture
def out(tmp_path):
    return tmp_path / "a" / "file"


@pytest.fixture
def downloads(tmp_path):
    return tmp_path / "downloads"


def test_a_fetched_file_is_in_its_place_and_nothing_else_is_beside_it(
    server, content, resource, out, downloads, patience
):
    fetch("it", resource(), out, downloads, patience)
    assert out.read_bytes() == content
    assert list(out.parent.iterdir()) == [out]
    assert {path.name for path in downloads.iterdir()} == {"it", "it.url"}


def test_a_removed_file_comes_back_without_a_download(server, content, resource, out, downloads, patience):
    fetch("it", resource(), out, downloads, patience)
    assert out.samefile(downloads / "it")
    out.unlink()
    fetch("it", resource(), out, downloads, patience)
    assert out.read_bytes() == content
    assert len(server.requests) == 1


def test_wrong_bytes_are_refused_with_both_hashes_and_leave_nothing(
    server, content, resource, out, downloads, patience
):
    server.answers.append(Answer(content=WRONG))
    with pytest.raises(MismatchError, match=f"expected SHA-256 {sha256(content)}, found {sha256(WRONG)}"):
        fetch("it", resource(), out, downloads, patience)
    assert not out.exists()
    assert list(downloads.iterdir()) == []
    # What comes next begins at the first byte.
    fetch("it", resource(), out, downloads, patience)
    assert out.read_bytes() == content
    assert server.ranges == [None, None]


def test_a_failed_download_names_the_key_that_replaces_it(server, resource, out, downloads, patience):
    server.answers.append(Answer(status=404))
    with pytest.raises(DownloadError, match=r"404 .*set resources\.it\.path in config/config\.yaml"):
        fetch("it", resource(), out, downloads, patience)
    assert not out.exists()


def test_a_kept_download_that_was_damaged_is_fetched_again(
    server, content, resource, out, downloads, patience
):
    downloads.mkdir()
    (downloads / "it").write_bytes(WRONG)
    fetch("it", resource(), out, downloads, patience)
    assert out.read_bytes() == content
    assert len(server.requests) == 1


def test_a_file_that_is_there_already_is_verified_and_stays(
    server, content, resource, out, downloads, patience
):
    out.parent.mkdir()
    out.write_bytes(content)
    fetch("it", resource(), out, downloads, patience)
    out.write_bytes(WRONG)
    with pytest.raises(MismatchError, match=sha256(WRONG)):
        fetch("it", resource(), out, downloads, patience)
    assert out.read_bytes() == WRONG
    assert server.requests == []


def test_the_hash_of_a_file_without_a_published_one_is_recorded(
    server, content, resource, out, downloads, patience
):
    fetch("it", resource(size=len(content)), out, downloads, patience)
    assert record_of(out).read_text() == f"{sha256(content)}  file\n"


def test_a_later_download_of_other_bytes_is_refused_with_both_hashes_and_the_way_to_accept_it(
    server, content, resource, out, downloads, patience
):
    anonymous = resource(size="about 1 MB")
    fetch("it", anonymous, out, downloads, patience)
    out.unlink()
    (downloads / "it").unlink()
    server.files["/file"] = WRONG
    message = f"expected SHA-256 {sha256(content)}, as .* recorded it .*, found {sha256(WRONG)}; .* delete "
    with pytest.raises(MismatchError, match=message):
        fetch("it", anonymous, out, downloads, patience)
    assert not out.exists()
    record_of(out).unlink()
    fetch("it", anonymous, out, downloads, patience)
    assert out.read_bytes() == WRONG


def test_without_a_published_hash_a_new_url_is_downloaded_again(
    server, content, resource, out, downloads, patience
):
    anonymous = resource(size="about 1 MB")
    fetch("it", anonymous, out, downloads, patience)
    out.unlink()
    server.files["/elsewhere"] = content
    moved = anonymous.model_copy(update={"url": f"{server.url}/elsewhere"})
    fetch("it", moved, out, downloads, patience)
    assert [path for path, _ in server.requests] == ["/file", "/elsewhere"]


def test_with_a_published_hash_a_new_url_downloads_nothing(
    server, content, resource, out, downloads, patience
):
    fetch("it", resource(), out, downloads, patience)
    out.unlink()
    moved = resource().model_copy(update={"url": f"{server.url}/elsewhere"})
    fetch("it", moved, out, downloads, patience)
    assert out.read_bytes() == content
    assert len(server.requests) == 1


def test_a_few_digits_of_a_hash_are_compared_and_the_whole_is_recorded(
    server, content, resource, out, downloads, patience
):
    fetch("it", resource(sha256_prefix=sha256(content)[:8]), out, downloads, patience)
    assert record_of(out).read_text().startswith(sha256(content))
    with pytest.raises(MismatchError, match="expected a SHA-256 that begins with 0123abcd, found "):
        fetch("other", resource(sha256_prefix="0123abcd"), out.with_name("other"), downloads, patience)


def test_a_local_file_is_verified_and_linked(server, content, resource, out, tmp_path):
    local = tmp_path / "mine"
    local.write_bytes(content)
    use_local(resource(), local, out)
    assert out.readlink() == local
    assert server.requests == []
    # A second time, as after a change of the file.
    local.write_bytes(WRONG)
    with pytest.raises(MismatchError, match=f"expected SHA-256 {sha256(content)}, found {sha256(WRONG)}"):
        use_local(resource(), local, out)


def test_a_local_file_without_a_published_hash_is_held_against_the_record(
    server, content, resource, out, downloads, tmp_path, patience
):
    anonymous = resource(size=len(content))
    fetch("it", anonymous, out, downloads, patience)
    out.unlink()
    local = tmp_path / "mine"
    local.write_bytes(content[::-1])
    with pytest.raises(MismatchError, match=f"expected SHA-256 {sha256(content)}, as .* recorded"):
        use_local(anonymous, local, out)


def test_a_local_file_does_not_replace_one_that_is_there(content, resource, out, tmp_path):
    local = tmp_path / "mine"
    local.write_bytes(content)
    out.parent.mkdir()
    out.write_bytes(WRONG)
    with pytest.raises(ValueError, match="expected nothing or a link, found a file"):
        use_local(resource(), local, out)
    assert out.read_bytes() == WRONG


def test_an_absent_local_file_is_named(resource, out, tmp_path):
    with pytest.raises(ValueError, match=r"mine: expected the file of resources/a/file, found none"):
        use_local(resource(), tmp_path / "mine", out)
