"""The files and folders that extractors need, such as weights: found by the hashes that a run recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from extractors.models.model_folders import CONFIG
from extractors.storage.files import sha256_of_path
from extractors.storage.packaged import EFFICIENTNET_LITE0
from img.retrieval.encoding.makers import Maker, list_with_writers

_RESOURCES = Path("resources")
_SUFFIXES = (".pt", ".onnx", ".pth", ".pyth", ".npz", ".bin", ".safetensors", ".ckpt", ".pkl")


def find_files(
    makers: Mapping[str, Sequence[Maker]], given: Mapping[str, Path], folder: Path = _RESOURCES
) -> dict[str, Path]:
    """Finds the file of each hash that the extractors' parameters name.

    Args:
        makers: the extractors of each stream.
        given: an extractor's name -> its weights file.
        folder: where others are looked for: first by the name they had, then by their content; those of a
            package are taken from there.

    Returns:
        Hash -> file, for those that were found; see `Maker.rebuild`.

    Raises:
        ValueError: a given file is another than that of the training, or is given for no extractor.
    """
    named = {maker.name: maker for maker in list_with_writers(makers)}
    strange = sorted(set(given) - set(named))
    if strange:
        raise ValueError(f"weights: expected names of {sorted(named)}, found {strange}")
    found: dict[str, Path] = {}
    for name, path in given.items():
        hashed = sha256_of_path(path)
        if hashed not in named[name].hashes.values():
            raise ValueError(
                f"{path}: expected the file that {name}'s features were made with in training, "
                f"{named[name].describe_files()}, found another (SHA-256 {hashed})"
            )
        found[hashed] = path
    wanted = {sha for maker in named.values() for sha in maker.hashes.values()} - set(found)
    for file in (EFFICIENTNET_LITE0,):
        if file.sha256 in wanted:
            found[file.sha256] = file.check()
            wanted.remove(file.sha256)
    names = {name for maker in named.values() for name in maker.file_names.values()}
    for path in _candidates(folder, names):
        if not wanted:
            break
        hashed = sha256_of_path(path)
        if hashed in wanted:
            found[hashed] = path
            wanted.remove(hashed)
    return found


def _candidates(folder: Path, names: set[str]) -> Iterator[Path]:
    """Yields files and folders that may be weights, those of the names they had first."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    models = [path.parent for path in files if path.name == CONFIG]
    yield from (path for path in [*files, *models] if path.name in names)
    yield from (path for path in files if path.name not in names and path.suffix in _SUFFIXES)
    yield from (path for path in models if path.name not in names)
