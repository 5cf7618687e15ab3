"""What makes arrays and texts: a kind with its parameters, on some device; and what is written of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.jobs.gpus import take_gpu
from extractors.kind import Extractor, Kind, Writer
from extractors.media.batching import Features
from extractors.media.writing import WrittenTexts
from extractors.parameters import Parameters
from extractors.provenance.makers import find_differences, fingerprint_kind
from extractors.storage.files import sha256_of_path
from extractors.storage.libraries import library_versions
from extractors.storage.store import Entry, Store

# What decoding processes load, by the decoder's name: PyAV opens the files of both.
_DECODER_LIBRARIES = {"decord": ("av", "decord"), "pyav": ("av",)}


@dataclass(frozen=True)
class Runtime:
    """How to run, none of which is part of a feature's identity.

    Attributes:
        device: "cpu" or "cuda".
        batch_size: windows in a batch.
        workers: decoding processes.
        timeout: seconds without a sign of life after which a decoder is killed.
        threads: the network's threads on the CPU; None for all cores.
    """

    device: str = "cpu"
    batch_size: int = 4
    workers: int = 1
    timeout: float = 60.0
    threads: int | None = None


def identify(kind: Kind, parameters: Parameters) -> dict[str, Any]:
    """Says what makes an extractor's features what they are: kind, code version, parameters, files' hashes.

    Raises:
        ValueError: where a file or folder that the parameters name is not there.
    """
    values = parameters.identity()
    for name, value in values.items():
        if isinstance(value, Path):
            if not value.exists():
                raise ValueError(f"{name}: expected a file or folder, found nothing at {value}")
            values[name] = f"sha256:{sha256_of_path(value)}"
    return {"kind": kind.name, "code_version": kind.code_version, "parameters": values}


class Extraction:
    """A kind with its parameters, and what descriptions say of them."""

    def __init__(self, kind: Kind, parameters: Parameters, runtime: Runtime) -> None:
        self.kind = kind
        self.parameters = parameters.located()
        self.runtime = runtime
        self._identity = identify(kind, self.parameters)
        self._code = fingerprint_kind(kind)

    def key(self, source_hash: str) -> str:
        """Gives the key of the array of a file's content."""
        return Store.key({**self._identity, "source": source_hash})

    def load_network(self) -> Extractor | Writer:
        """Builds the network on its device."""
        import torch

        if self.runtime.device == "cuda":
            take_gpu()
        if self.runtime.threads:
            torch.set_num_threads(self.runtime.threads)
        return self.kind.load_network(self.parameters, self.runtime.device)

    def describe(
        self, source_hash: str, result: Features | WrittenTexts, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Says how an array or texts were made: from what, by what, called what, and on what.

        Args:
            source_hash: of the content of the media file, or of the texts that were read.
            result: the array or the texts.
            facts: what the model's own files say of how its inputs are made.
        """
        files = {name: value.name for name, value in self.parameters if isinstance(value, Path)}
        made = {
            **self._identity,
            "code": self._code,
            "file_names": files,
            "device": self.runtime.device,
            "batch_size": self.runtime.batch_size,
            "libraries": library_versions(*_DECODER_LIBRARIES.get(result.decoder, ())),
            "source_sha256": source_hash,
            "decoder": result.decoder,
            "windows": result.windows,
        }
        if isinstance(result, WrittenTexts):
            made["covered_seconds"] = round(result.covered, 6)
        else:
            made["row_seconds"] = [[round(start, 6), round(end, 6)] for start, end in result.row_seconds]
        if facts:
            made["model"] = dict(facts)
        if result.short:
            made["reached_seconds"] = round(result.short.reached, 6)
            made["promised_seconds"] = result.short.promised
        return made

    def differences(self, entry: Entry) -> list[str]:
        """Says what an array was made by that is not today's."""
        return find_differences(entry.description, self._code)
