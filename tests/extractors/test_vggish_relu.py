import json

import numpy as np
import pytest
from shared_data import SHARED

from extractors.__main__ import main
from extractors.provenance.vggish_relu import examine

PCA = SHARED / "weights" / "vggish_pca_params.npz"


@pytest.fixture(scope="module")
def published():
    """The eigenvectors and means that AudioSet's rows were whitened by."""
    if not PCA.exists():
        pytest.skip("the published PCA parameters are not beside the project")
    with np.load(PCA) as file:
        return file["pca_eigen_vectors"], file["pca_means"].ravel()


def quantised(embeddings, published):
    eigenvectors, means = published
    whitened = (embeddings - means) @ eigenvectors.T
    return np.round((np.clip(whitened, -2, 2) + 2) * 255 / 4)


def embeddings(published, rows=300):
    """Made-up embeddings whose mean and covariance are those that the PCA was fitted to."""
    eigenvectors, means = published
    return np.random.default_rng(0).standard_normal((rows, 128)) @ np.linalg.inv(eigenvectors).T + means


@pytest.mark.parametrize("divisor", [1, 255])
def test_quantised_rows_tell_whether_the_last_relu_was_kept(published, divisor):
    before = embeddings(published)
    with_relu = examine({"a": quantised(np.maximum(before, 0), published) / divisor}, *published)
    without = examine({"a": quantised(before, published) / divisor}, *published)
    assert "last_relu: true" in with_relu.words
    assert "last_relu: false" in without.words
    assert with_relu.negative < 0.05
    assert without.negative > 0.45
    assert "8 bits" in with_relu.form
    assert ("divided" in with_relu.form) == (divisor == 255)


def test_rows_that_are_not_quantised_tell_exactly(published):
    eigenvectors, means = published
    before = embeddings(published)
    rows = (np.maximum(before, 0) - means) @ eigenvectors.T
    found = examine({"a": rows}, *published)
    assert (found.form, found.negative, found.clipped) == ("rows of the PCA, not quantised", 0, 0)
    found = examine({"a": (before - means) @ eigenvectors.T}, *published)
    assert found.negative == pytest.approx((before < -0.1).mean(), abs=1e-6)


def test_where_few_values_are_negative_no_verdict_is_given(published):
    mixed = embeddings(published)
    mixed[::2] = np.maximum(mixed[::2], 0)
    assert "too few" in examine({"a": quantised(mixed, published)}, *published).words


def test_rows_of_another_width_are_not_vggish(published):
    assert examine({"a": np.zeros((3, 64))}, *published) is None


def test_compare_tells_of_both_folders(published, tmp_path, capsys):
    before = embeddings(published, 40)
    for name, rows in (("a", before), ("b", np.maximum(before, 0))):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "video.npy", quantised(rows, published).astype(np.float32))
    folders = [str(tmp_path / "a"), str(tmp_path / "b")]
    out = tmp_path / "out"
    assert main(["compare", *folders, "--out", str(out), "--vggish-pca", str(PCA)]) == 0
    found = json.loads((out / "summary.json").read_text())["vggish_last_relu"]
    assert "last_relu: false" in found["a"]["words"]
    assert "last_relu: true" in found["b"]["words"]
    assert capsys.readouterr().out.count("VGGish: quantised to 8 bits;") == 2
