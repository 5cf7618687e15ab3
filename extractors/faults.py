"""What is wrong with settings, in words: the key, what was expected, what was found."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, RootModel, ValidationError

_SHOWN_KEYS = 30

_found = reprlib.Repr()
_found.maxstring = _found.maxother = 200
_found.maxlist = _found.maxtuple = _found.maxdict = 10

_WORDS = (
    (r"Input should be greater than or equal to ", "expected at least "),
    (r"Input should be less than or equal to ", "expected at most "),
    (r"Input should be greater than ", "expected more than "),
    (r"Input should be less than ", "expected less than "),
    (r"Input should be a valid integer.*", "expected a whole number"),
    (r"Input should be a valid number.*", "expected a number"),
    (r"Input should be a valid boolean.*", "expected true or false"),
    (r"Input should be a valid string", "expected text"),
    (r"Input should be a valid (list|tuple)", "expected a list"),
    (r"Input should be a valid dictionary.*", "expected keys with values"),
    (r"Input is not a valid path.*", "expected a path"),
    (r"Input should be ", "expected "),
    (r"String should match pattern ", "expected text that matches "),
    (r"\w+ should have at least (\d+) items? after validation, not \d+", r"expected at least \1 of them"),
    (r"\w+ should have at most (\d+) items? after validation, not \d+", r"expected at most \1 of them"),
)


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """Says, a line for each fault, which key is wrong, what was expected and what was found.

    Args:
        error: what pydantic found.
        model: the settings class that was checked; its keys are named where one is unknown.
    """
    return str(SettingsError.of(error, model))


class SettingsError(ValueError):
    """Faults of settings that lie inside others, whose keys `describe` puts before theirs.

    Attributes:
        faults: key, empty where the settings as a whole are wrong, and message of each.
    """

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("\n".join(_join(key, message) for key, message in faults))
        self.faults = faults

    @classmethod
    def of(cls, error: ValidationError, model: type[BaseModel]) -> SettingsError:
        """Says what pydantic found; see `describe`."""
        return cls([line for fault in error.errors() for line in _describe(fault, model)])


def suggest(name: str, known: Sequence[str]) -> str:
    """Names the known name that is most like another one, and then all of them, or the first 30."""
    near = difflib.get_close_matches(name, known, 1, 0.6)
    meant = f"did you mean {near[0]!r}? " if near else ""
    listed = ", ".join(known[:_SHOWN_KEYS]) + (", …" if len(known) > _SHOWN_KEYS else "")
    return f"{meant}expected one of: {listed}" if known else "expected no key"


def _join(key: str, message: str) -> str:
    return f"{key}: {message}" if key else message


def _describe(fault: Any, model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    location = [str(part) for part in fault["loc"]]
    key = ".".join(location)
    found = _found.repr(fault["input"])
    match fault["type"]:
        case "extra_forbidden":
            known = sorted({name for owner in _owners(model, location[:-1]) for name in owner.model_fields})
            message = f"unknown key, found {found}; {suggest(location[-1], known)}"
        case "missing":
            message = f"missing{_explain(model, location)}"
        case "value_error" if isinstance(fault["ctx"]["error"], SettingsError):
            inner = fault["ctx"]["error"].faults
            yield from ((".".join(filter(None, (key, name))), message) for name, message in inner)
            return
        case "value_error":
            message = fault["msg"].removeprefix("Value error, ")
        case _:
            message = f"{_reword(fault['msg'])}, found {found}"
    yield key, message


def _reword(message: str) -> str:
    for pattern, words in _WORDS:
        replaced, count = re.subn(f"^{pattern}", words, message)
        if count:
            return replaced
    return message


def _explain(model: type[BaseModel], location: Sequence[str]) -> str:
    """Says what a key is, in the words of its own description."""
    for owner in _owners(model, location[:-1]):
        field = owner.model_fields.get(location[-1])
        if field is not None and field.description:
            return f"; expected: {field.description}"
    return ""


def _owners(model: Any, location: Sequence[str]) -> list[type[BaseModel]]:
    """Lists the settings classes that a key may hold."""
    owners = list(_models_in(model))
    for part in location:
        fields = [owner.model_fields[part].annotation for owner in owners if part in owner.model_fields]
        if fields:
            owners = [found for field in fields for found in _models_in(field)]
        else:
            # Of a union the place names the member, by its tag.
            owners = [owner for owner in owners if _tag(owner) == part] or owners
    return owners


def _tag(model: type[BaseModel]) -> Any:
    return model.model_fields["kind"].default if "kind" in model.model_fields else None


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yields the settings classes that an annotation mentions, itself or inside unions and containers."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        for part in get_args(annotation):
            yield from _models_in(part)
    elif issubclass(annotation, RootModel):
        yield from _models_in(annotation.model_fields["root"].annotation)
    elif annotation.__subclasses__() and "kind" in annotation.model_fields:
        for member in annotation.__subclasses__():
            yield from _models_in(member)
    else:
        yield annotation
