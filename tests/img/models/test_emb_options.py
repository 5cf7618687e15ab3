import pytest
from pydantic import ValidationError

from img.models.emb.options import PRESETS, EmbOptions
from img.models.registry import parse_options


def test_paper_is_the_default_and_differs_from_the_reference_in_every_choice() -> None:
    assert EmbOptions() == EmbOptions.model_validate({"preset": "paper"})
    assert PRESETS["paper"].keys() == PRESETS["reference"].keys()
    for name, value in PRESETS["paper"].items():
        assert EmbOptions.model_fields[name].default == value != PRESETS["reference"][name], name


def test_what_is_given_goes_before_the_preset() -> None:
    options = parse_options({"kind": "emb", "preset": "reference", "elastic_end": "inclusive"})
    assert isinstance(options, EmbOptions)
    assert (options.elastic_end, options.mask_padding) == ("inclusive", False)
    assert options.needs().streams == {"visual"}


def test_every_option_is_described() -> None:
    assert all(field.description for field in EmbOptions.model_fields.values())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"slots": 3}, "slots"),
        ({"width": 100}, "width 100"),
        ({"target_low": 0.7}, "target_high"),
        ({"longest_proposal": 0}, "longest_proposal"),
    ],
)
def test_a_wrong_option_is_refused_by_name(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        EmbOptions.model_validate(changes)
