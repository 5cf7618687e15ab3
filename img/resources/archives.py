"""Unpacking archives of videos: safely, only what is needed, one video at a time."""

from __future__ import annotations

import logging
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from extractors.names import VIDEO_SUFFIXES, video_names
from extractors.storage.files import replacing, write_text

_CHUNK = 1 << 20
_DRIVE = re.compile(r"[A-Za-z]:")
_ENCRYPTED = 0x1

log = logging.getLogger(__name__)


def unpack_videos(archive: Path, folder: Path, record: Path, videos: Collection[str] | None = None) -> None:
    """Unpacks the videos of a zip archive into a folder, without the archive's own folders.

    Each file takes its name when it is whole and its checksum is right. Files that are there already stay, so
    that an interrupted unpacking goes on where it ended, and nothing else in the folder is touched.

    Args:
        archive: the zip file.
        folder: where to put the videos.
        record: the table to write when all is there: file, bytes, crc32 of each video, sorted.
        videos: ids of those that are needed; all where it is None.

    Raises:
        ValueError: where the archive is damaged, holds no needed video, or a needed member's name or kind is
            not that of a file inside it; nothing is unpacked then but the members before a damaged one.
        OSError: where the disk has no room for what the archive says it holds.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            members = _choose(archive, content.infolist(), videos)
            missing = {
                name: member for name, member in members.items() if not _is_there(folder / name, member)
            }
            folder.mkdir(parents=True, exist_ok=True)
            total = sum(member.file_size for member in missing.values())
            _check_disk(archive, folder, total)
            with tqdm(total=total, desc=archive.name, unit="B", unit_scale=True, mininterval=1.0) as bar:
                for name, member in missing.items():
                    _unpack(content, member, folder / name, bar)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ValueError(f"{archive}: expected an undamaged zip archive: {error}") from error
    rows = [f"{name}\t{member.file_size}\t{member.CRC:08x}" for name, member in sorted(members.items())]
    write_text(record, "\n".join(["file\tbytes\tcrc32", *rows]) + "\n")
    log.info(f"{folder}: {len(members)} videos of {archive}, {len(members) - len(missing)} were there before")


def _choose(
    archive: Path, members: list[zipfile.ZipInfo], videos: Collection[str] | None
) -> dict[str, zipfile.ZipInfo]:
    """Gives the needed members by the name of the file each becomes."""
    stems = None if videos is None else {stem for video in videos for stem in video_names(video)}
    chosen: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        # Archives made on Windows may separate folders the other way.
        path = PurePosixPath(member.filename.replace("\\", "/"))
        is_video = path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
        if member.is_dir() or not is_video or (stems is not None and path.stem not in stems):
            continue
        _check_member(archive, member, path)
        if path.name in chosen:
            raise ValueError(
                f"{archive}: expected one file of each name, found {chosen[path.name].filename} and "
                f"{member.filename}"
            )
        chosen[path.name] = member
    if not chosen:
        raise ValueError(
            f"{archive}: expected videos, found none that is needed among {len(members)} members"
        )
    if videos is not None and len(chosen) < len(videos):
        log.warning(f"{archive}: holds {len(chosen)} of the {len(videos)} videos that are needed")
    return chosen


def _check_member(archive: Path, member: zipfile.ZipInfo, path: PurePosixPath) -> None:
    """Refuses a member that is no plain file inside the archive."""
    mode = member.external_attr >> 16
    found = None
    if path.is_absolute() or ".." in path.parts or _DRIVE.match(member.filename):
        found = "one that points outside"
    elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        found = "a link or special file"
    elif member.flag_bits & _ENCRYPTED:
        found = "an encrypted one"
    if found:
        raise ValueError(
            f"{archive}: expected plain files inside its folder, found {found}: {member.filename!r}"
        )


def _is_there(path: Path, member: zipfile.ZipInfo) -> bool:
    """Whether a member has been unpacked before, to the last byte."""
    if not path.is_file() or path.stat().st_size != member.file_size:
        return False
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc == member.CRC


def _check_disk(archive: Path, folder: Path, needed: int) -> None:
    """A member never gives more bytes than it declares, so this bounds what an archive can do to a disk."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(f"{archive}: unpacking needs {needed} bytes, {free} are free on the disk of {folder}")


def _unpack(content: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, bar: tqdm) -> None:
    with content.open(member) as source, replacing(target) as temporary, temporary.open("wb") as file:
        while chunk := source.read(_CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
