"""How what an extractor gives of a video is kept in the store: an array, or texts."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from extractors.media.batching import Features
from extractors.media.writing import WrittenTexts
from extractors.storage.finite import check_finite
from extractors.storage.results import ARRAY, TEXTS
from extractors.storage.store import Entry, Store
from extractors.storage.texts import Text, write_texts


def keep(store: Store, key: str, made: Mapping[str, Any], result: Features | WrittenTexts) -> Entry:
    """Adds what an extractor gave of a video to the store; see `keep_array` and `keep_texts`."""
    if isinstance(result, WrittenTexts):
        return keep_texts(store, key, made, result.texts)
    return keep_array(store, key, made, result.array)


def keep_texts(store: Store, key: str, made: Mapping[str, Any], texts: Sequence[Text]) -> Entry:
    """Adds a video's texts to the store, whatever made them.

    Args:
        store: keeps them.
        key: the entry's key.
        made: how the texts were made.
        texts: those of the video; none is a result, too.

    Raises:
        ValueError: a text is blank, or its seconds are none.
        StorageError: the store cannot be written.
    """
    with store.adding(key, {**made, "rows": len(texts), "width": 0}) as folder:
        write_texts(folder / TEXTS, texts)
    return store.get(key)


def keep_array(store: Store, key: str, made: Mapping[str, Any], array: np.ndarray) -> Entry:
    """Adds a video's array to the store, whatever made it.

    Args:
        store: keeps it.
        key: the entry's key.
        made: how the array was made.
        array: rows [R, D], kept as float32.

    Raises:
        ValueError: it holds NaN, infinity, or a value whose square is infinite in float32.
        StorageError: the store cannot be written.
    """
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    check_finite(array)
    # numpy's own writing to a file tells no reason where the disk is full.
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    rows, width = array.shape
    with store.adding(key, {**made, "rows": rows, "width": width}) as folder:
        (folder / ARRAY).write_bytes(content.getbuffer())
    return store.get(key)
