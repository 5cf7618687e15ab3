"""Texts split into words, as queries are."""

from __future__ import annotations


def tokenise(sentence: str, max_words: int | None = None) -> list[str]:
    """Splits a lower-cased sentence with NLTK's word tokeniser, as one line; keeps the first words."""
    # Not at the top: training and evaluation do not need the library.
    from nltk.tokenize import word_tokenize

    words: list[str] = word_tokenize(sentence.lower(), preserve_line=True)
    return words[:max_words]
