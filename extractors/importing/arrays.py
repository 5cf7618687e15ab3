"""Feature arrays as people publish them: a file a video, or one file of all videos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from extractors.storage.finite import check_finite
from extractors.storage.integrity import check_archive
from extractors.storage.pickles import load_pickled_arrays

SUFFIXES = (".npy", ".npz", ".pt", ".pth")
PICKLE_SUFFIXES = (".pickle", ".pkl")
_NPZ_KEY = "features"


def open_arrays(path: Path) -> Mapping[str, np.ndarray]:
    """Opens a folder of arrays, or a pickle of them, as a mapping from a video's id to its rows.

    Args:
        path: a folder of `{video}.npy`, `.npz` or `.pt` (see `read_array`), whose arrays are read one at a
            time when they are asked for; or a pickle of a dict, which is read here and held in memory.

    Returns:
        Rows [R, D] by id, sorted by id.

    Raises:
        FileNotFoundError: there is nothing at the path.
        ValueError: it holds no arrays, or one that cannot be read.
    """
    if path.is_dir():
        return ArrayFolder(path)
    if path.suffix in PICKLE_SUFFIXES:
        arrays = load_pickled_arrays(path)
        return {name: as_rows(arrays[name], f"{path}: {name}") for name in sorted(arrays)}
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected a folder of arrays or a pickle of them, found nothing")
    raise ValueError(
        f"{path}: expected a folder of arrays or a pickle ({' or '.join(PICKLE_SUFFIXES)}), "
        f"found a {path.suffix or 'nameless kind of'} file"
    )


def list_arrays(folder: Path) -> dict[str, list[Path]]:
    """Lists the files of arrays in a folder by their names without suffix; subfolders are not looked into."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in SUFFIXES and not path.name.startswith("."):
            found.setdefault(path.stem, []).append(path)
    return found


class ArrayFolder(Mapping[str, np.ndarray]):
    """A folder with a file for each video, read when asked for; subfolders are not looked into."""

    def __init__(self, folder: Path) -> None:
        """Lists the folder.

        Raises:
            ValueError: it holds no arrays, or two of one id.
        """
        self.paths: dict[str, Path] = {}
        for name, (path, *others) in list_arrays(folder).items():
            if others:
                raise ValueError(
                    f"{folder}: expected one array for {name}, found {path.name} and {others[0].name}"
                )
            self.paths[name] = path
        if not self.paths:
            raise ValueError(f"{folder}: expected arrays ({', '.join(SUFFIXES)}), found none")

    def __getitem__(self, name: str) -> np.ndarray:
        return read_array(self.paths[name])

    def __contains__(self, name: object) -> bool:
        # A mapping's own would read the array.
        return name in self.paths

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)


def read_array(path: Path) -> np.ndarray:
    """Reads one video's feature array.

    Args:
        path: `.npy`; `.npz` with one array, or one called `features`; or `.pt`, `.pth` with one tensor.
            Nothing in them can run code.

    Returns:
        Rows [R, D] of the type they are stored in (see `as_rows`).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: naming the file, where it is damaged or holds something else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a feature array, found no file")
    load = {".npy": _load_npy, ".npz": _load_npz, ".pt": _load_tensor, ".pth": _load_tensor}.get(path.suffix)
    if load is None:
        raise ValueError(f"{path}: expected one of {', '.join(SUFFIXES)}, found {path.suffix!r}")
    try:
        check_archive(path)
        array = load(path)
    except Exception as error:
        # A damaged file may fail in any way while it is read.
        raise ValueError(
            f"{path}: expected an array of numbers, found a file that does not load as one ({error})"
        ) from error
    return as_rows(array, str(path))


def as_rows(array: np.ndarray, name: str) -> np.ndarray:
    """Brings an array to [R, D].

    One of [D] is one row (some tools squeeze a single row); of an array with more axes those of length 1 go,
    such as pooled space, [R, 1, 1, D].

    Args:
        array: as it was stored.
        name: what to call it in a message.

    Raises:
        ValueError: it holds no rows, or numbers that are not finite, or has more than two axes longer than 1.
    """
    shape = list(array.shape)
    if array.ndim == 1:
        array = array[None]
    elif array.ndim > 2:
        long = [length for length in shape if length != 1]
        array = array.reshape(long if len(long) > 1 else [1, *(long or [1])])
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name}: expected rows [R, D], found the shape {shape}")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name}: expected rows of numbers, found {array.dtype}")
    try:
        check_finite(array)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return array


def _load_npy(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):
            raise ValueError(f"bytes follow the array of the shape {list(array.shape)}")
    return array


def _load_npz(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as archive:
        names = archive.files
        key = names[0] if len(names) == 1 else _NPZ_KEY
        if key not in names:
            raise ValueError(f"one array, or one called {_NPZ_KEY!r}, is expected; there are {sorted(names)}")
        array: np.ndarray = archive[key]
        return array


def _load_tensor(path: Path) -> np.ndarray:
    # Not at the top: whoever reads no tensors need not wait for torch.
    import torch

    tensor = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(tensor, torch.Tensor):
        raise ValueError(f"a tensor is expected; there is a {type(tensor).__name__}")
    # numpy knows no bfloat16.
    return (tensor.float() if tensor.is_floating_point() else tensor).detach().numpy()
