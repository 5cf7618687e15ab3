"""Puts a resource into its place: downloaded, or linked to a file of the user's; verified either way."""

from __future__ import annotations

import logging
from pathlib import Path

from extractors.storage.files import link_or_copy, temporary_beside, write_text
from extractors.storage.locks import Lock
from img.resources.download import UNKNOWN_LIMIT, DownloadError, Patience, discard, download
from img.resources.listing import Resource
from img.resources.verification import MismatchError, record_of, verify

log = logging.getLogger(__name__)


def fetch(
    name: str, resource: Resource, out: Path, downloads: Path, patience: Patience | None = None
) -> None:
    """Downloads a resource and checks it before it takes its name.

    The file is kept in `downloads` and `out` is a hard link of it, so that it is not downloaded again where
    `out` is removed. A download that turns out wrong is removed: no later attempt goes on from it.

    Args:
        name: the resource's, by which its download is kept.
        resource: what to fetch.
        out: where to put it. A file that is there is verified and stays.
        downloads: folder for downloads, finished and not.
        patience: how long to wait for the server.

    Raises:
        MismatchError: with the hash or size that was expected and the one that was found.
        DownloadError: where the file cannot be had.
    """
    record = record_of(out)
    if out.exists():
        verify(out, resource, record)
        log.info(f"{out}: here already, verified")
        return
    with Lock(downloads / f"{name}.lock").held():
        kept = downloads / name
        origin = downloads / f"{name}.url"
        if not _is_right(kept, origin, resource, record):
            part = downloads / f"{name}.part"
            _download_and_verify(name, resource, part, record, patience)
            write_text(origin, resource.url)
            part.replace(kept)
            discard(part)
        link_or_copy(kept, out)
    log.info(f"{out}: fetched, verified")


def use_local(resource: Resource, local: Path, out: Path) -> None:
    """Verifies a file of the user's and makes `out` a symbolic link to it.

    Raises:
        MismatchError: with the hash or size that was expected and the one that was found.
        ValueError: where `local` is no file, or `out` is one already.
    """
    if not local.is_file():
        raise ValueError(f"{local}: expected the file of {resource.path}, found none")
    if out.exists() and not out.is_symlink():
        raise ValueError(f"{out}: expected nothing or a link, found a file; remove it to use {local} instead")
    verify(local, resource, record_of(out))
    link = temporary_beside(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(local.resolve())
    link.replace(out)
    log.info(f"{out}: {local}, verified")


def _download_and_verify(
    name: str, resource: Resource, part: Path, record: Path, patience: Patience | None
) -> None:
    try:
        limit = resource.limit or UNKNOWN_LIMIT
        download(resource.url, part, resource.exact_size, bool(resource.checksums), patience, limit)
    except DownloadError as error:
        raise DownloadError(
            f"{error}. To use a file of your own, set resources.{name}.path in config/config.yaml"
        ) from error
    try:
        verify(part, resource, record)
    except MismatchError as error:
        discard(part)
        raise MismatchError(f"{resource.url}: the download is refused and removed: {error}") from None


def _is_right(kept: Path, origin: Path, resource: Resource, record: Path) -> bool:
    """Whether a finished download is what the manifest means; removes one that is not.

    Only a whole published hash tells that a file from another URL is the same.
    """
    if not kept.exists():
        return False
    try:
        if not resource.is_proven and origin.read_text(encoding="utf-8") != resource.url:
            raise MismatchError(f"{kept}: comes from another URL than {resource.url}")
        verify(kept, resource, record)
    except (MismatchError, FileNotFoundError) as error:
        log.warning(f"{error}; fetching it again")
        kept.unlink()
        return False
    return True
