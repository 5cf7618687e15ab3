import subprocess
import sys

import pytest
from pydantic import ValidationError

from img.models.img.options import PRESETS, ImgOptions


def test_paper_is_the_default():
    assert ImgOptions() == ImgOptions.model_validate({"preset": "paper"})


def test_field_defaults_are_those_of_the_paper():
    for name, value in PRESETS["paper"].items():
        assert ImgOptions.model_fields[name].default == value, name


def test_presets_choose_the_same_options_and_every_one_differently():
    assert PRESETS["paper"].keys() == PRESETS["reference"].keys()
    assert all(PRESETS["paper"][name] != PRESETS["reference"][name] for name in PRESETS["paper"])


def test_what_is_given_goes_before_the_preset():
    options = ImgOptions.model_validate({"preset": "reference", "position": "time"})
    assert (options.position, options.slot_competition) == ("time", False)


def test_every_option_is_described():
    assert all(field.description for field in ImgOptions.model_fields.values())


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"slot": 3}, "slot"),
        ({"preset": "authors"}, "preset"),
        ({"width": 100}, "width 100"),
        ({"levels": ["local", "local"]}, "levels"),
        ({"levels": []}, "levels"),
        ({"eps_min": 0.4, "eps_max": 0.3}, "eps_max"),
    ],
)
def test_a_wrong_option_is_refused_by_name(changes, named):
    with pytest.raises(ValidationError, match=named):
        ImgOptions.model_validate(changes)


def test_options_can_be_read_without_torch():
    code = "import sys, img.models.img.options; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
