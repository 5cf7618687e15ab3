"""The manifest: every public file the pipeline needs, where it comes from and how it is known to be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, RootModel, field_validator, model_validator

from extractors.settings import Settings, Whole
from img.config.base import Name, check, read_yaml
from img.resources.checksums import Checksum

ROOT = Path("resources")
DOWNLOADS = ROOT / ".downloads"
"""Downloads, finished and not. Snakemake deletes a job's outputs before it runs; these it does not know."""

_ARCHIVE_SUFFIX = ".zip"


class Resource(Settings):
    """A public file. resources/manifest.yaml says what each key means."""

    path: Path
    url: Annotated[str, Field(pattern=r"^https?://[^/]+/")]
    size: (
        Annotated[Whole, Field(ge=1, le=10**15)] | Annotated[str, Field(pattern=r"^about \d+ [MG]B$")] | None
    ) = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    git_blob: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    sha256_prefix: Annotated[str, Field(pattern=r"^[0-9a-f]{4,63}$")] | None = None
    licence: str
    needed_by: Annotated[list[str], Field(default=[])]
    unpacked_to: Path | None = None

    @field_validator("path", "unpacked_to")
    @classmethod
    def _inside(cls, path: Path | None) -> Path | None:
        if path is not None and (not path.is_relative_to(ROOT) or ".." in path.parts or path == ROOT):
            raise ValueError(f"expected a path below {ROOT}/, found {path}")
        return path

    @model_validator(mode="after")
    def _known_archive(self) -> Resource:
        if self.unpacked_to is not None and self.path.suffix.lower() != _ARCHIVE_SUFFIX:
            raise ValueError(
                f"unpacked_to: expected a path that ends in {_ARCHIVE_SUFFIX}, found {self.path}"
            )
        return self

    @property
    def exact_size(self) -> int | None:
        """Bytes, where they are known to the last."""
        return self.size if isinstance(self.size, int) else None

    @property
    def limit(self) -> int | None:
        """Bytes that the file cannot have, where its size is known roughly: twice that."""
        if not isinstance(self.size, str):
            return None
        _, number, unit = self.size.split()
        return 2 * int(number) * {"MB": 10**6, "GB": 10**9}[unit]

    @property
    def checksums(self) -> list[Checksum]:
        """What is published of the file's content."""
        published = {
            "sha256": self.sha256,
            "md5": self.md5,
            "git_blob": self.git_blob,
            "sha256_prefix": self.sha256_prefix,
        }
        return [Checksum(kind, value) for kind, value in published.items() if value is not None]

    @property
    def facts(self) -> str:
        """What decides the file's content, as JSON."""
        return self.model_dump_json(exclude={"path", "licence", "needed_by", "unpacked_to"})

    @property
    def is_proven(self) -> bool:
        """Whether what is published settles the content; a few digits of a hash do not."""
        return any(checksum.is_whole for checksum in self.checksums)


class _Entries(RootModel[dict[Name, Resource]]):
    pass


@dataclass(frozen=True)
class Manifest:
    """The resources of a manifest, by name."""

    source: Path
    resources: Mapping[str, Resource]

    def get(self, name: str) -> Resource:
        """Returns a resource.

        Raises:
            ValueError: where there is none of that name; the message lists those there are.
        """
        if name not in self.resources:
            raise ValueError(f"expected one of the resources {sorted(self.resources)}, found {name!r}")
        return self.resources[name]

    def find_file(self, path: Path) -> str | None:
        """Returns the name of the resource that lies at `path`."""
        return next((name for name, entry in self.resources.items() if entry.path == path), None)

    def find_archive(self, folder: Path) -> str | None:
        """Returns the name of the resource that is unpacked to `folder`."""
        return next((name for name, entry in self.resources.items() if entry.unpacked_to == folder), None)

    def check_local(self, local: Mapping[str, Path], source: str) -> None:
        """Checks that files of the user's take the place of resources that there are.

        Args:
            local: the file or folder by the resource's name.
            source: where they are named, for the message.

        Raises:
            ValueError: naming `source` and the first name that is no resource, or whose file lies where the
                resource itself is put: Snakemake would remove it before it fetches the resource.
        """
        for name, path in local.items():
            if name not in self.resources:
                raise ValueError(
                    f"{source}: expected names among {sorted(self.resources)} ({self.source}), found {name!r}"
                )
            if path.absolute() == self.resources[name].path.absolute():
                raise ValueError(
                    f"{source}.{name}.path: expected a file elsewhere, found the resource's own {path}; "
                    "move the file, or leave this out"
                )


def read_resources(path: Path) -> Manifest:
    """Reads and checks a manifest.

    Raises:
        ValueError: naming the file, the resource and the key at fault.
    """
    resources = check(_Entries, read_yaml(path), str(path)).root
    owners: dict[Path, str] = {}
    for name, resource in resources.items():
        for own in (resource.path, resource.unpacked_to):
            if own is not None and owners.setdefault(own, name) != name:
                raise ValueError(f"{path}: {name}: expected a path of its own, found {owners[own]}'s {own}")
    return Manifest(path, resources)
