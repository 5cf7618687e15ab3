"""The short part of `python -m tests.fuzz`."""

import pytest

from tests.fuzz_arrays import CASES, fuzz_arrays
from tests.fuzz_media import MEDIA, fuzz_media


@pytest.mark.slow
def test_damaged_media_are_read_right_or_refused_in_words(tmp_path):
    report = fuzz_media(60, 0, tmp_path)
    assert report.faults == []
    # Of each copy both the pictures and the sound are read.
    assert report.outcomes.total() == 120
    for name in MEDIA:
        assert sum(report.outcomes[f"{name}: {kind}"] for kind in ("read", "cut short", "refused")) == 12


def test_damaged_arrays_and_weights_are_read_as_they_were_or_refused(tmp_path):
    report = fuzz_arrays(200, 0, tmp_path)
    assert report.faults == []
    assert report.outcomes.total() == 200
    for case in CASES:
        assert report.outcomes[f"{case.name}: refused"] > 0
        if case.has_checksums:
            assert report.outcomes[f"{case.name}: other numbers, a known gap"] == 0


def test_damage_depends_on_the_seed_alone(tmp_path):
    first, second = (fuzz_arrays(20, 1, tmp_path / name) for name in ("first", "second"))
    assert first == second
