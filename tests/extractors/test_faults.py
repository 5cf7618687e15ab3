"""Faults in settings: which key, what was expected, what was found."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, RootModel, ValidationError

from extractors.faults import describe
from extractors.settings import Settings, Whole


class Square(Settings):
    kind: Literal["square"] = "square"
    side: Whole = Field(ge=1, description="Length in metres.")


class Circle(Settings):
    kind: Literal["circle"] = "circle"
    radius: Whole = 1


class Drawing(Settings):
    shape: Annotated[Square | Circle, Field(discriminator="kind")] = Circle()
    more: dict[str, Square] = Field(default={})
    colours: tuple[str, ...] = Field(default=("red",), min_length=1)


class Drawings(RootModel[dict[str, Drawing]]):
    pass


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"shap": 1},
            "shap: unknown key, found 1; did you mean 'shape'? expected one of: colours, more, shape",
        ),
        (
            {"shape": {"kind": "circle", "side": 3}},
            "shape.circle.side: unknown key, found 3; expected one of: kind, radius",
        ),
        ({"shape": {"kind": "square"}}, "shape.square.side: missing; expected: Length in metres."),
        ({"more": {"a": {"side": 0}}}, "more.a.side: expected at least 1, found 0"),
        ({"more": {"a": {"side": "x"}}}, "more.a.side: expected a whole number, found 'x'"),
        ({"more": {"a": {"side": 1, "b": 2}}}, "more.a.b: unknown key, found 2; expected one of: kind, side"),
        ({"more": 3}, "more: expected keys with values, found 3"),
        ({"colours": []}, "colours: expected at least 1 of them, found []"),
    ],
)
def test_a_fault_is_told_in_words(values, said):
    with pytest.raises(ValidationError) as raised:
        Drawing.model_validate(values)
    assert describe(raised.value, Drawing) == said


def test_keys_below_a_root_are_those_of_what_it_holds():
    with pytest.raises(ValidationError) as raised:
        Drawings.model_validate({"first": {"colour": []}})
    assert describe(raised.value, Drawings).startswith(
        "first.colour: unknown key, found []; did you mean 'colours'?"
    )
