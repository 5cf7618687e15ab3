import stat
import zipfile
import zlib
from collections import namedtuple

import pytest

from img.resources import archives as module
from img.resources.archives import unpack_videos

VIDEOS = {"AAA": b"first" * 1000, "BBB": b"second" * 1000, "CCC": b"third" * 1000}


def write_zip(path, members):
    """Writes a zip archive of (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


@pytest.fixture
def archive(tmp_path):
    """An archive of three videos in a folder, with things beside them that nobody needs."""
    members = [(f"Set_480/{name}.mp4", content) for name, content in VIDEOS.items()]
    others = [("Set_480/", b""), ("Set_480/readme.txt", b"hello"), ("__MACOSX/Set_480/._AAA.mp4", b"fork")]
    return write_zip(tmp_path / "set.zip", [*others, *members])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "videos"


@pytest.fixture
def record(folder):
    return folder / "set.unpacked.tsv"


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_videos_come_out_without_the_archives_folders_and_nothing_else_does(archive, folder, record):
    unpack_videos(archive, folder, record)
    assert names(folder) == ["AAA.mp4", "BBB.mp4", "CCC.mp4", "set.unpacked.tsv"]
    for name, content in VIDEOS.items():
        assert (folder / f"{name}.mp4").read_bytes() == content


def test_the_record_lists_the_videos_with_sizes_and_checksums(archive, folder, record):
    unpack_videos(archive, folder, record)
    rows = [f"{name}.mp4\t{len(content)}\t{zlib.crc32(content):08x}" for name, content in VIDEOS.items()]
    assert record.read_text().splitlines() == ["file\tbytes\tcrc32", *rows]


def test_only_the_needed_videos_come_out_whatever_becomes_of_their_prefix(tmp_path, folder, record):
    archive = write_zip(tmp_path / "set.zip", [("v_AAA.mp4", b"1"), ("BBB.webm", b"2"), ("CCC.MKV", b"3")])
    unpack_videos(archive, folder, record, {"AAA", "v_CCC"})
    assert names(folder) == ["CCC.MKV", "set.unpacked.tsv", "v_AAA.mp4"]


def test_missing_videos_are_told_and_the_others_unpacked(archive, folder, record, caplog):
    unpack_videos(archive, folder, record, {"AAA", "XXX", "YYY"})
    assert names(folder) == ["AAA.mp4", "set.unpacked.tsv"]
    assert "holds 1 of the 3 videos that are needed" in caplog.text


def test_an_archive_without_a_needed_video_is_refused(archive, folder, record):
    with pytest.raises(
        ValueError, match=r"set\.zip: expected videos, found none that is needed among 6 members"
    ):
        unpack_videos(archive, folder, record, {"XXX"})
    assert not folder.exists()


@pytest.mark.parametrize(
    "name", ["../evil.mp4", "a/../../evil.mp4", "/tmp/evil.mp4", "..\\evil.mp4", "C:\\evil.mp4", "C:evil.mp4"]
)
def test_a_member_that_points_outside_is_refused_before_anything_is_unpacked(tmp_path, folder, record, name):
    archive = write_zip(tmp_path / "set.zip", [("good.mp4", b"good"), (name, b"evil")])
    with pytest.raises(ValueError, match=r"set\.zip: .* found one that points outside: .*evil\.mp4"):
        unpack_videos(archive, folder, record)
    assert names(tmp_path) == ["set.zip"]


def test_a_link_is_refused(tmp_path, folder, record):
    link = zipfile.ZipInfo("link.mp4")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = write_zip(tmp_path / "set.zip", [("good.mp4", b"good"), (link, b"/etc/passwd")])
    with pytest.raises(ValueError, match=r"found a link or special file: 'link\.mp4'"):
        unpack_videos(archive, folder, record)
    assert names(tmp_path) == ["set.zip"]


def test_an_encrypted_member_is_refused(archive, folder, record):
    content = bytearray(archive.read_bytes())
    # The flags in the last member's entry of the archive's directory.
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(ValueError, match="found an encrypted one"):
        unpack_videos(archive, folder, record)


def test_two_members_of_one_name_are_refused(tmp_path, folder, record):
    archive = write_zip(tmp_path / "set.zip", [("a/AAA.mp4", b"1"), ("b/AAA.mp4", b"2")])
    with pytest.raises(ValueError, match=r"one file of each name, found a/AAA\.mp4 and b/AAA\.mp4"):
        unpack_videos(archive, folder, record)


def test_an_interrupted_unpacking_goes_on(archive, folder, record, monkeypatch):
    replacing, begun = module.replacing, []

    def stop_at_the_third(path):
        begun.append(path.name)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return replacing(path)

    monkeypatch.setattr(module, "replacing", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        unpack_videos(archive, folder, record)
    assert names(folder) == ["AAA.mp4", "BBB.mp4"]
    unpack_videos(archive, folder, record)
    assert begun == ["AAA.mp4", "BBB.mp4", "CCC.mp4", "CCC.mp4"]
    assert record.exists()


def test_a_damaged_or_other_video_is_unpacked_again_and_a_strange_file_stays(archive, folder, record):
    unpack_videos(archive, folder, record)
    (folder / "AAA.mp4").write_bytes(VIDEOS["AAA"][:-1])
    (folder / "BBB.mp4").write_bytes(b"x" * len(VIDEOS["BBB"]))
    (folder / "mine.mp4").write_bytes(b"mine")
    untouched = (folder / "CCC.mp4").stat()
    unpack_videos(archive, folder, record)
    for name, content in VIDEOS.items():
        assert (folder / f"{name}.mp4").read_bytes() == content
    assert (folder / "mine.mp4").read_bytes() == b"mine"
    assert (folder / "CCC.mp4").stat() == untouched


def test_a_damaged_member_leaves_no_file_of_its_name_and_no_record(archive, folder, record):
    content = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as file:
        start = file.getinfo("Set_480/BBB.mp4").header_offset
    content[start + 60] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(ValueError, match=r"set\.zip: expected an undamaged zip archive"):
        unpack_videos(archive, folder, record)
    assert names(folder) == ["AAA.mp4"]


def test_a_truncated_archive_is_refused(archive, folder, record):
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"set\.zip: expected an undamaged zip archive"):
        unpack_videos(archive, folder, record)
    assert not folder.exists()


def test_a_member_that_holds_more_than_it_declares_is_refused_at_its_declared_size(tmp_path, folder, record):
    archive = write_zip(tmp_path / "set.zip", [("bomb.mp4", bytes(1_000_000))])
    content = bytearray(archive.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    archive.write_bytes(content)
    with pytest.raises(ValueError, match="expected an undamaged zip archive"):
        unpack_videos(archive, folder, record)
    assert names(folder) == []


def test_an_archive_that_does_not_fit_on_the_disk_is_refused_first(archive, folder, record, monkeypatch):
    needed = sum(map(len, VIDEOS.values()))
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage(needed - 1))
    with pytest.raises(OSError, match=f"unpacking needs {needed} bytes, {needed - 1} are free"):
        unpack_videos(archive, folder, record)
    assert names(folder) == []
