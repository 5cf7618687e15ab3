"""Arrays of several extractors put side by side, by each family's rule."""

from pathlib import Path

import numpy as np
import pytest

from extractors.importing.merging import merge
from extractors.kinds.imported.parameters import ImportedArrays

PROJECT = Path(__file__).parents[2]
GOLDEN = PROJECT / ".." / "shared" / "reference" / "encoders" / "golden" / "merge.npz"
FIRST = np.arange(1.0, 7.0, dtype=np.float32)[:, None]
LAST = np.arange(10.0, 14.0, dtype=np.float32)[:, None]


def how(**choices: object) -> ImportedArrays:
    return ImportedArrays.model_validate({"arrays": ["a", "b"], "width": 2, **choices})


def test_by_default_the_longer_is_cut() -> None:
    assert merge([FIRST, LAST], how()).tolist() == [[1, 10], [2, 11], [3, 12], [4, 13]]


def test_all_are_brought_to_the_length_of_the_last() -> None:
    # Bounds round(i/4·6) = 0, 2, 3, 4, 5 (half to even, at most the last): a mean of two, then 3, 4, 5.
    assert merge([FIRST, LAST], how(merge="bring_to_last")).tolist() == [[1.5, 10], [3, 11], [4, 12], [5, 13]]


def test_a_shorter_one_repeats_its_rows() -> None:
    found = merge([LAST[:2], LAST], how(merge="bring_to_last"))
    assert found[:, 0].tolist() == [10, 10, 11, 11]


def test_the_last_is_brought_to_the_most_rows_before_the_others_are() -> None:
    # Of 6 rows the bounds are 0, 3, 5: the last row of all is in none; of 4 rows 0, 2, 3.
    found = merge([FIRST, LAST], how(merge="bring_to_last", max_rows=2))
    assert found.tolist() == [[2, 10.5], [4.5, 12]]


def test_each_row_of_each_array_is_divided_by_its_own_norm() -> None:
    rows = np.array([[3.0, 4.0], [0.0, 0.0]], np.float16)
    found = merge([rows, 10 * rows], how(normalise="l2"))
    np.testing.assert_allclose(found, [[0.6, 0.8, 0.6, 0.8], [0, 0, 0, 0]], atol=2e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"arrays": "a", "merge": "bring_to_last"},
            "merge: expected several arrays for bring_to_last, found one",
        ),
        ({"max_rows": 4}, "max_rows: expected with merge: bring_to_last, found with cut_to_shortest"),
        ({"merge": "stretch"}, "merge"),
    ],
)
def test_a_choice_that_does_nothing_is_refused(choices: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        how(**choices)


@pytest.mark.skipif(not GOLDEN.is_file(), reason=f"the recorded merges are not at {GOLDEN}")
@pytest.mark.parametrize("case", range(6))
def test_both_families_are_matched(case: int) -> None:
    """IMG's authors to the last bit; Moment-DETR's, whose loader keeps 75 rows, to float32."""
    golden = np.load(GOLDEN)
    clip, slowfast, most = (golden[f"{case}_{name}"] for name in ("clip", "slowfast", "max"))
    authors = merge([slowfast, clip], how(merge="bring_to_last", max_rows=int(most)))
    np.testing.assert_array_equal(authors, golden[f"{case}_img_visual"].astype(np.float32))
    detr = merge([slowfast, clip], how(normalise="l2"))
    np.testing.assert_allclose(detr[:75], golden[f"{case}_detr_visual"], rtol=0, atol=1e-6)
