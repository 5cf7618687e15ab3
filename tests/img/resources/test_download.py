import json
from collections import namedtuple

import pytest
from file_server import Answer

from img.resources import download as module
from img.resources.download import DownloadError, download

SIZE = 10_240


@pytest.fixture
def part(tmp_path):
    return tmp_path / "downloads" / "file.part"


def test_a_file_arrives_whole_with_one_request(server, content, part, patience, pauses):
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert server.ranges == [None]
    assert pauses == []


def test_a_cut_connection_is_gone_on_from_where_it_ended(server, content, part, patience, pauses):
    server.answers.extend([Answer(cut=4_000), Answer(cut=3_000)])
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert server.ranges == [None, "bytes=4000-", "bytes=7000-"]
    # Each attempt brought something new, so that the pauses do not grow.
    assert pauses == [1, 1]


def test_a_later_process_goes_on_as_well(server, content, part, patience):
    server.answers.extend([Answer(cut=4_000), *[Answer(status=503)] * 3])
    with pytest.raises(DownloadError, match="4000 bytes that arrived are kept: run again"):
        download(f"{server.url}/file", part, SIZE, patience=patience)
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert server.ranges[-1] == "bytes=4000-"


def test_many_cuts_are_survived_as_long_as_something_arrives(server, content, part, patience):
    server.answers.extend([Answer(cut=500)] * 20)
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert len(server.requests) == 21


def test_a_server_that_ignores_ranges_sends_the_whole_file_again(server, content, part, patience):
    server.answers.extend([Answer(cut=4_000), Answer(ignore_range=True)])
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert len(server.requests) == 2


def test_a_server_that_ignores_ranges_and_always_cuts_is_given_up(server, part, patience, pauses):
    server.answers.extend([Answer(cut=4_000, ignore_range=True)] * 9)
    with pytest.raises(DownloadError, match="gave up after 4 consecutive attempts"):
        download(f"{server.url}/file", part, SIZE, patience=patience)
    assert len(server.requests) == 4
    assert pauses == [1, 2, 3]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Range": "bytes 3999-10239/10240"},
        {"Content-Range": "bytes 4000-10239/10241"},
        {"Content-Range": "10 pages"},
        {"Content-Range": None},
        {"ETag": '"of another file"'},
    ],
)
def test_a_wrong_part_is_not_joined_but_all_fetched_again(server, content, part, patience, headers):
    server.answers.extend([Answer(cut=4_000), Answer(headers=headers)])
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert server.ranges == [None, "bytes=4000-", None]


def test_a_file_that_changed_between_two_parts_is_fetched_again(server, part, patience):
    server.answers.append(Answer(cut=4_000))
    changed = b"x" * SIZE
    server.answers.append(Answer(content=changed))
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == changed
    assert "If-Range" in server.requests[1][1]
    assert len(server.requests) == 2


def test_a_range_that_cannot_be_satisfied_starts_again(server, content, part, patience):
    # The file has become shorter than what has arrived of it.
    server.answers.extend([Answer(cut=4_000), Answer(status=416)])
    download(f"{server.url}/file", part, patience=patience)
    assert part.read_bytes() == content
    assert server.ranges == [None, "bytes=4000-", None]


def test_what_is_complete_is_not_asked_for_again(server, content, part, patience):
    download(f"{server.url}/file", part, SIZE, patience=patience)
    download(f"{server.url}/file", part, SIZE, patience=patience)
    download(f"{server.url}/file", part, patience=patience)
    assert len(server.requests) == 1
    assert part.read_bytes() == content


def test_without_etag_and_hash_a_part_is_not_trusted(server, content, part, patience):
    server.answers.extend([Answer(cut=4_000, headers={"ETag": None}), Answer()])
    download(f"{server.url}/file", part, SIZE, is_checked=False, patience=patience)
    assert part.read_bytes() == content
    assert server.ranges == [None, None]


def test_without_etag_a_part_is_gone_on_from_where_the_hash_is_known(server, content, part, patience):
    server.answers.extend([Answer(cut=4_000, headers={"ETag": None}), Answer(headers={"ETag": None})])
    download(f"{server.url}/file", part, SIZE, is_checked=True, patience=patience)
    assert part.read_bytes() == content
    assert server.ranges == [None, "bytes=4000-"]


def test_a_weak_etag_is_not_sent_as_condition(server, content, part, patience):
    weak = {"ETag": 'W/"1"', "Last-Modified": "Sat, 01 Jan 2022 00:00:00 GMT"}
    server.answers.extend([Answer(cut=4_000, headers=weak), Answer(ignore_range=True, headers=weak)])
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert server.requests[1][1]["If-Range"] == "Sat, 01 Jan 2022 00:00:00 GMT"
    assert part.read_bytes() == content


def test_a_part_of_another_url_is_not_gone_on_from(server, part, patience):
    server.files["/other"] = b"y" * SIZE
    server.answers.extend([Answer(cut=4_000), *[Answer(status=500)] * 3])
    with pytest.raises(DownloadError):
        download(f"{server.url}/file", part, SIZE, patience=patience)
    download(f"{server.url}/other", part, SIZE, patience=patience)
    assert part.read_bytes() == b"y" * SIZE


def test_a_part_longer_than_the_file_or_without_its_source_is_not_gone_on_from(
    server, content, part, patience
):
    part.parent.mkdir()
    part.write_bytes(b"z" * 100)
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    part.write_bytes(content + b"z")
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert server.ranges == [None, None]


def test_a_busy_server_is_asked_again_after_growing_pauses(server, content, part, patience, pauses):
    server.answers.extend([Answer(status=503), Answer(status=502), Answer(status=429)])
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert pauses == [1, 2, 3]


def test_a_server_may_ask_for_a_longer_pause_up_to_the_longest(server, part, patience, pauses):
    server.answers.extend(
        [Answer(status=503, headers={"Retry-After": "2"}), Answer(status=503, headers={"Retry-After": "900"})]
    )
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert pauses == [2, 3]


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_refusal_is_told_at_once(server, part, patience, pauses, status):
    server.answers.append(Answer(status=status))
    with pytest.raises(
        DownloadError, match=rf"{server.url}/file: expected the file, the server answers {status}"
    ):
        download(f"{server.url}/file", part, SIZE, patience=patience)
    assert len(server.requests) == 1
    assert pauses == []


def test_a_stalled_connection_is_given_up_and_gone_on_from(server, content, part, patience):
    server.answers.append(Answer(stall=6_000))
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert server.ranges == [None, "bytes=6000-"]


def test_redirects_are_followed_and_resumed_through(server, content, part, patience):
    redirect = Answer(status=302, headers={"Location": "/file"})
    server.answers.extend([redirect, Answer(cut=4_000), redirect, Answer()])
    download(f"{server.url}/moved", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert [path for path, _ in server.requests] == ["/moved", "/file", "/moved", "/file"]
    assert server.ranges[-1] == "bytes=4000-"


def test_endless_redirects_end(server, part, patience):
    server.answers.extend([Answer(status=302, headers={"Location": "/moved"})] * 40)
    with pytest.raises(DownloadError, match="redirects"):
        download(f"{server.url}/moved", part, SIZE, patience=patience)
    assert len(server.requests) <= 31


@pytest.mark.parametrize("length", [SIZE - 1, SIZE + 1])
def test_another_length_than_the_manifests_is_refused_before_the_body(server, part, patience, length):
    server.answers.append(Answer(headers={"Content-Length": str(length)}))
    message = f"expected {SIZE} bytes, the server announces {length}"
    with pytest.raises(DownloadError, match=message):
        download(f"{server.url}/file", part, SIZE, patience=patience)
    assert not part.exists()


def test_a_length_that_is_never_reached_is_given_up(server, part, patience):
    server.answers.extend([Answer(headers={"Content-Length": str(SIZE + 1)}, ignore_range=True)] * 9)
    with pytest.raises(DownloadError, match="gave up after 4 consecutive attempts"):
        download(f"{server.url}/file", part, patience=patience)
    assert len(server.requests) == 4


def test_a_body_of_unknown_length_that_does_not_end_is_cut_off(server, part, patience):
    server.answers.append(Answer(headers={"Content-Length": None}, content=b"z" * (SIZE + 1), cut=SIZE + 1))
    with pytest.raises(DownloadError, match=f"expected {SIZE} bytes, the server sends more"):
        download(f"{server.url}/file", part, SIZE, patience=patience)
    assert not part.exists()


def test_a_body_of_unknown_length_that_ends_early_is_gone_on_from(server, content, part, patience):
    server.answers.append(Answer(headers={"Content-Length": None}, cut=4_000))
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert server.ranges == [None, "bytes=4000-"]


CHUNKED = {"Content-Length": None, "Transfer-Encoding": "chunked"}


def test_a_body_in_chunks_arrives_without_their_marks(server, content, part, patience):
    chunks = b"1000\r\n" + content[:4096] + b"\r\n1800\r\n" + content[4096:] + b"\r\n0\r\n\r\n"
    server.answers.append(Answer(headers=CHUNKED, content=chunks))
    download(f"{server.url}/file", part, is_checked=False, patience=patience)
    assert part.read_bytes() == content
    assert len(server.requests) == 1


def test_a_body_in_chunks_that_is_cut_is_no_whole_one(server, content, part, patience):
    server.answers.append(Answer(headers=CHUNKED, content=b"1000\r\n" + content[:4096] + b"\r\n", cut=5_000))
    download(f"{server.url}/file", part, is_checked=False, patience=patience)
    assert part.read_bytes() == content
    assert len(server.requests) == 2


def test_a_file_of_which_nobody_knows_length_or_hash_is_refused(server, part, patience):
    server.answers.append(Answer(headers={"Content-Length": None}))
    with pytest.raises(DownloadError, match="expected the file's length from the manifest or the server"):
        download(f"{server.url}/file", part, is_checked=False, patience=patience)
    assert not part.exists()


def test_a_body_of_unknown_length_stops_at_the_limit(server, part, patience):
    server.answers.append(Answer(headers={"Content-Length": None}, content=b"z" * (SIZE + 1), cut=SIZE + 1))
    with pytest.raises(DownloadError, match=f"expected at most {SIZE} bytes, as nothing better is known"):
        download(f"{server.url}/file", part, patience=patience, limit=SIZE)
    assert not part.exists()


def test_a_length_beyond_the_limit_is_refused_before_the_body(server, part, patience):
    message = f"expected at most {SIZE - 1} bytes, .*, the server announces {SIZE}"
    with pytest.raises(DownloadError, match=message):
        download(f"{server.url}/file", part, patience=patience, limit=SIZE - 1)
    assert not part.exists()


def test_a_disk_without_room_is_told_before_the_body(server, part, patience, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage(SIZE - 1))
    with pytest.raises(DownloadError, match=f"needs {SIZE} bytes more, {SIZE - 1} are free"):
        download(f"{server.url}/file", part, patience=patience)


def test_an_unreachable_server_is_told_with_its_url(part, patience, pauses, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(
        DownloadError, match=r"http://127\.0\.0\.1:9/file: gave up after 4 consecutive attempts"
    ):
        download("http://127.0.0.1:9/file", part, patience=patience)
    assert pauses == [1, 2, 3]


def test_a_proxy_is_asked_where_the_environment_names_one(server, content, part, patience, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    download("http://files.invalid/file", part, SIZE, patience=patience)
    assert part.read_bytes() == content
    assert [path for path, _ in server.requests] == ["http://files.invalid/file"]


def test_no_proxy_is_asked_for_a_host_that_is_excepted(server, content, part, patience, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    download(f"{server.url}/file", part, SIZE, patience=patience)
    assert [path for path, _ in server.requests] == ["/file"]


def test_progress_is_shown(server, part, patience, capfd):
    download(f"{server.url}/file", part, SIZE, patience=patience)
    shown = capfd.readouterr().err
    assert "file" in shown
    assert "100%" in shown
    assert "10.2k/10.2k" in shown


def test_the_source_of_a_part_stands_beside_it(server, part, patience):
    server.answers.extend([Answer(cut=4_000), *[Answer(status=500)] * 3])
    with pytest.raises(DownloadError):
        download(f"{server.url}/file", part, SIZE, patience=patience)
    source = json.loads(part.with_name("file.part.json").read_text())
    assert source["url"] == f"{server.url}/file"
    assert source["total"] == SIZE
