"""Damaged arrays, PCA files and weight files: each is read as it was, or refused in words.

They are read as the program reads them. No reader may crash, hang, lose a video's row, or give other numbers.
Formats without a checksum of their numbers cannot keep the last of these promises: of them only shapes and
finite numbers are asked for (a known gap, docs/provenance.md).
"""

from __future__ import annotations

import contextlib
import io
import pickle
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from extractors.importing.intake import import_shard
from extractors.jobs.outcomes import Delivery
from extractors.kinds.imported.parameters import ImportedParameters
from extractors.kinds.vggish.network import load_pca
from extractors.models.weights import load_state
from extractors.storage.manifest import read_manifest
from extractors.storage.store import Store
from tests.damage import Report, damage

WIDTH = 6
UNHURT = "v_unhurt"

Numbers = Mapping[str, np.ndarray]
"""What was read, by name; what was refused in words is not in it."""


@dataclass(frozen=True)
class Case:
    """A format that is damaged.

    Attributes:
        name: of the file.
        write: writes the whole file, and others beside it that stay whole.
        read: gives what the program reads; a refusal of all is a ValueError.
        has_checksums: whether any change of a number can be noticed.
    """

    name: str
    write: Callable[[Path], object]
    read: Callable[[Path], Numbers]
    has_checksums: bool


def rows(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(7, WIDTH)).astype(np.float32)


def import_arrays(place: Path) -> Numbers:
    """Imports a folder or a pickle; every video must have a row that says what became of it."""
    videos = ["v_a", "v_b", UNHURT]
    parameters = ImportedParameters(modality="visual", arrays=place, width=WIDTH)
    # Failures are told there, and progress shown.
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        out = Path(folder) / "out"
        delivery = Delivery(out, out / "manifest.tsv")
        import_shard(parameters, videos, Store(Path(folder) / "store"), delivery)
        table = {row.video: row for row in read_manifest(delivery.manifest)}
        assert sorted(table) == sorted(videos), f"rows of {sorted(table)}"
        for row in table.values():
            reason = row.status.removeprefix("failed: ")
            assert row.is_ok or row.status == "missing" or len(reason.split()) > 3, row.status
        found = {video: np.load(out / f"{video}.npy") for video, row in table.items() if row.is_ok}
    if place.is_dir():
        assert np.array_equal(found[UNHURT], rows(3)), "an unhurt video's array"
    return found


def array_case(name: str, write: Callable[[Path], object], has_checksums: bool) -> Case:
    """A folder in which one video's array is damaged and another's is not."""

    def write_both(path: Path) -> None:
        write(path)
        np.save(path.with_name(f"{UNHURT}.npy"), rows(3))

    return Case(name, write_both, lambda path: import_arrays(path.parent), has_checksums)


def write_pickle(path: Path, protocol: int) -> None:
    content = {"v_a": rows(1), "v_b": rows(2), UNHURT: rows(3)}
    path.write_bytes(pickle.dumps(content, protocol=protocol))


def pca() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(4)
    shapes = {"pca_eigen_vectors": (128, 128), "pca_means": (128,)}
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def save_tensors(path: Path, arrays: Numbers, is_zip: bool = True) -> None:
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    torch.save(tensors, path, _use_new_zipfile_serialization=is_zip)


def read_pca(path: Path) -> Numbers:
    return {name: tensor.numpy() for name, tensor in zip("ab", load_pca(path), strict=True)}


def read_weights(path: Path) -> Numbers:
    return {name: tensor.numpy() for name, tensor in load_state(path).items()}


WEIGHTS = {"conv.weight": rows(5), "conv.bias": rows(6)[0]}
CASES = (
    array_case("v_a.npy", lambda path: np.save(path, rows(1)), False),
    array_case("v_a.npz", lambda path: np.savez(path, features=rows(1)), True),
    array_case("v_a.npz", lambda path: np.savez_compressed(path, features=rows(1)), True),
    array_case("v_a.pt", lambda path: torch.save(torch.from_numpy(rows(1)), path), True),
    Case("VGGish.pickle", lambda path: write_pickle(path, 2), import_arrays, False),
    Case("VGGish.pickle", lambda path: write_pickle(path, 4), import_arrays, False),
    Case("pca.npz", lambda path: np.savez(path, **pca()), read_pca, True),
    Case("pca.pth", lambda path: save_tensors(path, pca()), read_pca, True),
    Case("weights.pth", lambda path: save_tensors(path, WEIGHTS), read_weights, True),
    Case("old.pth", lambda path: save_tensors(path, WEIGHTS, is_zip=False), read_weights, False),
)


def fuzz_arrays(count: int, seed: int, folder: Path) -> Report:
    """Reads damaged copies, every format in turn.

    Args:
        count: copies.
        seed: of the damage.
        folder: for the copies.

    Returns:
        How often each format was read as it was, was refused, or gave other numbers, having no checksums; and
        the copies that were neither read as they were nor refused in words.
    """
    report = Report()
    for number in range(count):
        case = CASES[number % len(CASES)]
        path = folder / str(number) / case.name
        path.parent.mkdir(parents=True)
        case.write(path)
        truth = case.read(path)
        content, way = damage(path.read_bytes(), seed, number)
        path.write_bytes(content)
        try:
            report.outcomes[f"{case.name}: {_read_damaged(case, path, truth)}"] += 1
        except Exception as error:
            report.faults.append(
                f"seed {seed}, copy {number}: {case.name}, {way}: {type(error).__name__}: {error}"
            )
    return report


def _read_damaged(case: Case, path: Path, truth: Numbers) -> str:
    with warnings.catch_warnings():
        # Readers warn of what they then refuse.
        warnings.simplefilter("ignore")
        try:
            found = case.read(path)
        except ValueError as error:
            return _check_words(str(error), path)
    return _compare(case, truth, found)


def _check_words(words: str, path: Path) -> str:
    assert words.startswith(f"{path}: expected "), f"words that do not name the file: {words}"
    return "refused"


def _compare(case: Case, truth: Numbers, found: Numbers) -> str:
    if case.has_checksums:
        assert set(found) <= set(truth), f"found {sorted(found)}, wrote {sorted(truth)}"
    is_same = True
    for name, array in found.items():
        assert np.isfinite(array).all(), f"{name}: NaN or infinity"
        if name not in truth or not np.array_equal(array, truth[name]):
            assert not case.has_checksums, f"{name}: other numbers"
            assert name not in truth or array.shape == truth[name].shape, f"{name}: another shape"
            is_same = False
    if not is_same:
        return "other numbers, a known gap"
    return "as it was" if len(found) == len(truth) else "refused"
