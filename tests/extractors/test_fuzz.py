import pytest

from tests.fuzz import FAMILIES


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_damaged_files_are_read_right_or_refused_in_words(family, tmp_path):
    assert list(FAMILIES[family](60, 0, tmp_path)) == []
