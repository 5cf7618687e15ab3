from hypothesis import given
from hypothesis import strategies as st

from img.data.subsets import choose_share

NAMES = [f"query{number}" for number in range(200)]


@given(names=st.lists(st.text(max_size=4)), shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_smaller_share_lies_within_a_larger_one(names: list[str], shares: tuple[float, float]) -> None:
    smaller, larger = sorted(shares)
    assert choose_share(names, smaller) <= choose_share(names, larger) <= set(names)


@given(names=st.lists(st.text(max_size=4)))
def test_all_is_everything_and_nothing_is_none(names: list[str]) -> None:
    assert choose_share(names, 1.0) == set(names)
    assert choose_share(names, 0.0) == set()


def test_a_share_has_its_number_of_names_and_does_not_depend_on_their_order() -> None:
    chosen = choose_share(NAMES, 0.7)
    assert len(chosen) == 140
    assert choose_share(reversed(NAMES), 0.7) == chosen
    assert chosen != set(NAMES[:140])


def test_the_choice_is_that_of_the_names_hashes() -> None:
    # The first bytes of SHA-256: a ca97…, b 3e23…, c 2e7d….
    assert [choose_share("abc", share) for share in (1 / 3, 2 / 3)] == [{"c"}, {"b", "c"}]
