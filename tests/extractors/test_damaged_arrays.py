"""The short part of `python -m tests.fuzz`."""

from tests.fuzz_arrays import CASES, fuzz


def test_damaged_arrays_and_weights_are_read_as_they_were_or_refused():
    outcomes = fuzz(count=200, seed=0)
    assert outcomes.total() == 200
    for case in CASES:
        assert outcomes[f"{case.name}: refused"] > 0
        if case.has_checksums:
            assert outcomes[f"{case.name}: other numbers, a known gap"] == 0


def test_damage_depends_on_the_seed_alone():
    assert fuzz(count=20, seed=1) == fuzz(count=20, seed=1)
