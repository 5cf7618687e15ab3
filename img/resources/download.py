"""Downloads over HTTP(S) that survive broken connections: what has arrived is kept, and resumed from.

Proxies are those of HTTP_PROXY, HTTPS_PROXY and NO_PROXY, certificates those of REQUESTS_CA_BUNDLE.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import requests
import urllib3
from tqdm import tqdm

from extractors.storage.files import read_json, write_json, writing

_CHUNK = 1 << 18
UNKNOWN_LIMIT = 10 * 10**9
"""Bytes at which a download is given up whose size nobody said."""
_CONTENT_RANGE = re.compile(r"bytes (?:(?P<first>\d+)-\d+|\*)/(?P<total>\d+|\*)")

log = logging.getLogger(__name__)


class DownloadError(OSError):
    """A file cannot be had from its URL."""


class _InterruptedError(Exception):
    """This attempt failed in a way that another may not."""

    def __init__(self, message: str, asked: float = 0.0) -> None:
        super().__init__(message)
        self.asked = asked


_TRANSIENT = (
    _InterruptedError,
    requests.ConnectionError,
    requests.Timeout,
    urllib3.exceptions.HTTPError,
)


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        attempts: in a row that bring nothing new, before giving up.
        first_pause: seconds before the second attempt; each further pause is twice as long.
        longest_pause: seconds, whatever the server asks for.
        timeout: seconds without a byte after which a connection counts as broken.
        sleep: called with each pause.
    """

    attempts: int = 6
    first_pause: float = 2.0
    longest_pause: float = 120.0
    timeout: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def pause(self, failures: int, asked: float) -> float:
        """Returns the seconds to wait after so many failures, at least as long as the server asked for."""
        return min(max(self.first_pause * 2 ** (failures - 1), asked), self.longest_pause)


@dataclass(frozen=True)
class _Source:
    """What a part was cut from: kept beside it, for only bytes of one and the same file may be joined."""

    url: str
    etag: str | None
    modified: str | None
    total: int | None

    @property
    def validator(self) -> str | None:
        """What If-Range takes: a strong ETag, else the date."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


def download(
    url: str,
    part: Path,
    size: int | None = None,
    is_checked: bool = True,
    patience: Patience | None = None,
    limit: int = UNKNOWN_LIMIT,
) -> None:
    """Downloads a file to a temporary name, going on where an earlier attempt ended.

    Beside it, in `{part}.json`, stands what the server said of the file: a part that may be of another
    version is started again.

    Args:
        url: where the file is.
        part: the temporary name; all the file's bytes are there when this returns.
        size: bytes the file has, where they are known.
        is_checked: whether the caller knows the file's hash. If not, a part is resumed only where the
            server tells versions of the file apart.
        patience: how long to wait and how often.
        limit: bytes at which a file whose size is not known is given up.

    Raises:
        DownloadError: naming the URL and what went wrong.
    """
    patience = patience or Patience()
    part.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    while True:
        before = _length(part)
        try:
            return _attempt(url, part, size, is_checked, patience.timeout, limit if size is None else size)
        except _TRANSIENT as error:
            reason: Exception = error
        except requests.RequestException as error:
            raise DownloadError(f"{url}: {error}") from error
        failures = 1 if _length(part) > before else failures + 1
        if failures >= patience.attempts:
            raise DownloadError(
                f"{url}: gave up after {failures} consecutive attempts without progress; the last one: "
                f"{reason}. The {_length(part)} bytes that arrived are kept: run again to resume"
            ) from reason
        pause = patience.pause(failures, getattr(reason, "asked", 0.0))
        log.warning(f"{url}: {reason}; {_length(part)} bytes are here, trying again in {pause:g} s")
        patience.sleep(pause)


def discard(part: Path) -> None:
    """Removes an unfinished download."""
    part.unlink(missing_ok=True)
    _source_path(part).unlink(missing_ok=True)


def _attempt(url: str, part: Path, size: int | None, is_checked: bool, timeout: float, limit: int) -> None:
    source = _resumable(url, part, size, is_checked)
    start = _length(part)
    if start and source is not None and start == (source.total if size is None else size):
        return
    # Bytes are counted and joined: they must come as they are in the file.
    headers = {"Accept-Encoding": "identity"}
    if start and source is not None:
        headers["Range"] = f"bytes={start}-"
        if source.validator:
            headers["If-Range"] = source.validator
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as response:
        _check_status(url, response)
        if response.status_code == requests.codes.ok:
            start = 0
        else:
            _check_range(response, part, start, source)
        found = _describe(url, response, start)
        _check_length(response, url, found.total, size, is_checked)
        if found.total is not None and found.total > limit:
            raise DownloadError(f"{url}: {_beyond(limit)}, the server announces {found.total}")
        _check_disk(part, found.total, start)
        if start == 0:
            discard(part)
            write_json(_source_path(part), asdict(found))
        with writing(part):
            _receive(response, part, start, found.total if size is None else size, limit)


def _receive(response: requests.Response, part: Path, start: int, total: int | None, limit: int) -> None:
    """Appends a response's body to a part that holds `start` bytes, up to `total`, or `limit` without one."""
    length = start
    with (
        part.open("ab") as file,
        tqdm(
            total=total,
            initial=start,
            desc=part.stem,
            unit="B",
            unit_scale=True,
            mininterval=1.0,
        ) as bar,
    ):
        # Not iter_content: it gives whole chunks only, and what came of one before a cut would be lost.
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            length += len(chunk)
            if length > (limit if total is None else total):
                break
            file.write(chunk)
            bar.update(len(chunk))
        file.flush()
        os.fsync(file.fileno())
    if total is None and length > limit:
        discard(part)
        raise DownloadError(f"{response.url}: {_beyond(limit)}, the server sends more")
    if total is not None and length > total:
        discard(part)
        raise DownloadError(f"{response.url}: expected {total} bytes, the server sends more")
    if total is not None and length < total:
        raise _InterruptedError(f"expected {total} bytes, the connection ended after {length}")


def _beyond(limit: int) -> str:
    return (
        f"expected at most {limit} bytes, as nothing better is known of its size (`size` in "
        "resources/manifest.yaml)"
    )


def _resumable(url: str, part: Path, size: int | None, is_checked: bool) -> _Source | None:
    """Returns what a part was cut from; removes a part that cannot be resumed."""
    try:
        source = _Source(**read_json(_source_path(part)))
    except (FileNotFoundError, ValueError, TypeError):
        source = None
    too_long = size is not None and _length(part) > size
    if source is None or source.url != url or too_long or not (is_checked or source.validator):
        discard(part)
        return None
    return source


def _check_status(url: str, response: requests.Response) -> None:
    status = response.status_code
    if status in (requests.codes.ok, requests.codes.partial, requests.codes.requested_range_not_satisfiable):
        return
    reason = f"the server answers {status} {response.reason}"
    if status in (requests.codes.request_timeout, requests.codes.too_many_requests) or status >= 500:
        asked = response.headers.get("Retry-After", "")
        raise _InterruptedError(reason, float(asked) if asked.isdecimal() else 0.0)
    raise DownloadError(f"{url}: expected the file, {reason}")


def _check_range(response: requests.Response, part: Path, start: int, source: _Source | None) -> None:
    """Checks that a partial answer goes on where the part ends, in the same version of the file."""
    content = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    fits = (
        response.status_code == requests.codes.partial
        and source is not None
        and content is not None
        and content["first"] == str(start)
        and (source.total is None or content["total"] in ("*", str(source.total)))
        and response.headers.get("ETag", source.etag) == source.etag
        and response.headers.get("Last-Modified", source.modified) == source.modified
    )
    if not fits:
        discard(part)
        raise _InterruptedError(
            f"the server does not go on from byte {start} of the same file (status {response.status_code}, "
            f"range {response.headers.get('Content-Range')}); starting again"
        )


def _describe(url: str, response: requests.Response, start: int) -> _Source:
    length = response.headers.get("Content-Length", "")
    # Of a body that the server encoded all the same, the length is not the file's.
    is_plain = response.headers.get("Content-Encoding", "identity") == "identity"
    total = start + int(length) if length.isdecimal() and is_plain else None
    return _Source(url, response.headers.get("ETag"), response.headers.get("Last-Modified"), total)


def _check_length(
    response: requests.Response, url: str, total: int | None, size: int | None, is_checked: bool
) -> None:
    """Checks that the file has the size it should have, and that its end can be told at all."""
    if size is not None and total not in (None, size):
        raise DownloadError(f"{url}: expected {size} bytes, the server announces {total}")
    is_chunked = response.headers.get("Transfer-Encoding", "").lower() == "chunked"
    if total is None and size is None and not is_checked and not is_chunked:
        raise DownloadError(
            f"{url}: expected the file's length from the manifest or the server, found none: a cut file "
            "would pass for a whole one"
        )


def _check_disk(part: Path, total: int | None, start: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - start > free:
        raise DownloadError(f"{part}: needs {total - start} bytes more, {free} are free on its disk")


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _source_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")
