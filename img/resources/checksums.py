"""Checksums of files, read as a stream: memory does not depend on size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

LABELS = {
    "sha256": "SHA-256",
    "md5": "MD5",
    "git_blob": "git blob hash",
    "sha256_prefix": "a SHA-256 that begins with",
}

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Checksum:
    """A published hash of a file.

    Attributes:
        kind: `sha256`, `md5`, `git_blob` (git's SHA-1 of a header and the content) or `sha256_prefix`.
        value: lower-case hexadecimal.
    """

    kind: str
    value: str

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole hash, not the beginning of one."""
        return self.kind != "sha256_prefix"

    def find(self, path: Path) -> str:
        """Returns a file's hash of this kind, whole."""
        header = b""
        if self.kind == "git_blob":
            header = b"blob %d\0" % path.stat().st_size
        digest = hashlib.new({"git_blob": "sha1", "md5": "md5"}.get(self.kind, "sha256"), header)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def agrees(self, found: str) -> bool:
        """Whether a hash that was found is this one."""
        return found == self.value if self.is_whole else found.startswith(self.value)

    def __str__(self) -> str:
        return f"{LABELS[self.kind]} {self.value}"
