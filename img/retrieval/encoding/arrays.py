"""Features of a video that are given, for runs whose features were made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from extractors.importing.folders import open_collection
from extractors.names import video_names
from extractors.storage.files import read_json
from extractors.storage.finite import check_finite
from img.data.clips.held import NOTHING_THERE, HeldFeatures
from img.retrieval.encoding.makers import Maker

_DESCRIPTION = ".json"


def read_arrays(
    folder: Path, video: str, makers: Mapping[str, Sequence[Maker]]
) -> dict[str, list[HeldFeatures]]:
    """Reads `{folder}/{extractor}/{video}.npy` (or `.npz`, `.pt`) of every extractor that the run names.

    The seconds of their rows are read from `{video}.json` beside an array, as `extractors extract` writes it.

    Args:
        folder: holds a folder for each extractor.
        video: the video's id.
        makers: the extractors of each stream.

    Raises:
        OSError: there is no such folder.
        ValueError: an array cannot be used; the message names it.
    """
    arrays, seconds = {}, {}
    for maker in (maker for parts in makers.values() for maker in parts):
        place = folder / maker.name
        if not place.is_dir():
            continue
        part = open_collection(place).find(video_names(video))
        if part is not None:
            arrays[maker.name] = part.read()
            seconds[maker.name] = _read_seconds(place, video)
    if not arrays:
        names = sorted(maker.name for parts in makers.values() for maker in parts)
        raise ValueError(
            f"{folder}: expected features of {video}, such as {Path(names[0]) / video}.npy, found none; "
            f"the run reads {', '.join(names)}"
        )
    return hold_arrays(video, arrays, seconds, makers)


def read_query_features(folder: Path, number: int) -> np.ndarray:
    """Reads a sentence's features [N, Dq] from `{folder}/{number}.npy` (or `.npz`, `.pt`).

    Raises:
        OSError: there is no such folder.
        ValueError: there is no such array, or it cannot be used.
    """
    part = open_collection(folder).find([str(number)])
    if part is None:
        raise ValueError(f"{folder}: expected features of query {number}, {number}.npy, found none")
    return part.read()


def hold_arrays(
    video: str,
    arrays: Mapping[str, np.ndarray],
    seconds: Mapping[str, np.ndarray | None],
    makers: Mapping[str, Sequence[Maker]],
) -> dict[str, list[HeldFeatures]]:
    """Takes arrays as what a run's extractors say of a video.

    Args:
        video: its id.
        arrays: rows [n, D] of each extractor, by its name, as the run's features were stored.
        seconds: start and end of each row [n, 2], by the extractor's name; none where nobody knows.
        makers: the extractors of each stream.

    Raises:
        ValueError: an array is of no extractor of the run, of another width, or not of finite numbers.
    """
    known = {maker.name: maker for parts in makers.values() for maker in parts}
    strange = sorted(set(arrays) - set(known))
    if strange:
        raise ValueError(f"features of {video}: expected those of {sorted(known)}, found {strange}")
    for name, array in arrays.items():
        _check(video, array, known[name], seconds.get(name))
    return {
        stream: [
            HeldFeatures(
                maker.name,
                video,
                arrays.get(maker.name),
                seconds.get(maker.name),
                maker.scale,
                maker.made,
                "ok" if maker.name in arrays else NOTHING_THERE,
            )
            for maker in parts
        ]
        for stream, parts in makers.items()
    }


def _check(video: str, array: np.ndarray, maker: Maker, seconds: np.ndarray | None) -> None:
    what = f"features of {video}, {maker.name}"
    if array.ndim != 2 or array.shape[1] != maker.width or not len(array):
        raise ValueError(f"{what}: expected rows of {maker.width} values, found an array {array.shape}")
    if seconds is not None and seconds.shape != (len(array), 2):
        raise ValueError(
            f"{what}: expected start and end of {len(array)} rows, found an array {seconds.shape}"
        )
    try:
        check_finite(array)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
    if maker.is_normalised and not _has_equal_norms(array):
        raise ValueError(
            f"{what}: expected rows divided by their norms, as the run's features were when they were "
            "imported, found rows of different norms"
        )


def _has_equal_norms(array: np.ndarray) -> bool:
    norms = np.linalg.norm(array.astype(np.float64), axis=1)
    norms = norms[norms > 0]
    return not len(norms) or bool(norms.max() <= 1.01 * norms.min())


def _read_seconds(folder: Path, video: str) -> np.ndarray | None:
    path = folder / f"{video}{_DESCRIPTION}"
    seconds = read_json(path).get("row_seconds") if path.is_file() else None
    return np.array(seconds, np.float64) if seconds else None
