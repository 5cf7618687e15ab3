"""Names of protocols, and which of them a number is reported under."""

from pathlib import Path

import pytest

from img.config.protocols import checkpoint_of, list_protocols, protocols_of, reported_on


def test_a_protocol_is_called_after_the_split_it_chooses_on() -> None:
    assert list_protocols(["val", "audiomatter"]) == ["last", "best_on_val", "best_on_audiomatter"]
    assert checkpoint_of(Path("run"), "best_on_val") == Path("run/best_on_val.safetensors")


def test_a_run_of_before_there_were_further_splits_has_two() -> None:
    assert protocols_of({"selection_split": "test"}) == ["last", "best_on_test"]


def test_an_imported_run_has_the_weights_that_its_makers_chose() -> None:
    assert protocols_of({"selection_split": "test", "imported": {}}) == ["best_on_test"]


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("test", ["last", "best_on_test"]),
        ("audiomatter", ["last", "best_on_audiomatter"]),
        # Nothing was chosen on it.
        ("seen", ["last", "best_on_test", "best_on_audiomatter"]),
    ],
)
def test_a_number_is_reported_by_the_last_weights_and_by_those_best_on_its_own_split(
    split: str, expected: list[str]
) -> None:
    assert reported_on(split, ["last", "best_on_test", "best_on_audiomatter"]) == expected
