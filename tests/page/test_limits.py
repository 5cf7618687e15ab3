import pytest

from img.page.visitors.limits import Limits, RefusedError

LIMITS = Limits(megabytes=2, minutes=1.5, letters=20)


@pytest.mark.parametrize("name", ["a.mp4", "B.MOV", "with space.webm"])
def test_names_of_videos_are_taken(name: str) -> None:
    LIMITS.check_name(name)


@pytest.mark.parametrize("name", ["page.html", "video", ".mp4", "movie.mp4.exe"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(RefusedError, match=r"Choose a file that ends in .*\.mp4"):
        LIMITS.check_name(name)


def test_sizes_and_lengths_up_to_the_limit_are_taken() -> None:
    LIMITS.check_size("a.mp4", 2_000_000)
    LIMITS.check_length("a.mp4", 90.0)


def test_what_is_beyond_is_refused_with_both_numbers() -> None:
    with pytest.raises(RefusedError, match=r"^a\.mp4 is too large: 3 MB, and this page takes up to 2 MB\.$"):
        LIMITS.check_size("a.mp4", 3_000_000)
    with pytest.raises(
        RefusedError, match=r"^a\.mp4 is too long: 2\.0 minutes, and this page takes up to 1\.5"
    ):
        LIMITS.check_length("a.mp4", 120.0)


def test_a_sentence_is_stripped_and_bounded() -> None:
    assert LIMITS.check_query("  a  dog\nbarks ") == "a dog barks"
    with pytest.raises(RefusedError, match="Type a sentence"):
        LIMITS.check_query(" \n ")
    with pytest.raises(RefusedError, match="21 letters, and this page takes up to 20"):
        LIMITS.check_query("x" * 21)
