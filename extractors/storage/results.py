"""What the results of an extractor are called: an array, or texts."""

from __future__ import annotations

from extractors.storage import texts

ARRAY, TEXTS = "array.npy", "texts.jsonl"
"""In an entry of the store."""

SUFFIXES = {ARRAY: ".npy", TEXTS: texts.SUFFIX}
"""Outside of it, after the video's id."""
