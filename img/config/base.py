"""How settings are named, read, checked and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from extractors.faults import describe
from extractors.settings import Loader, parse_yaml

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
Name = Annotated[str, Field(pattern=NAME)]
Model = TypeVar("Model", bound=BaseModel)


def check(model: type[Model], values: Any, source: str) -> Model:
    """Checks values against a settings class.

    Args:
        model: the class.
        values: what a YAML or JSON file holds.
        source: where they come from, for the message.

    Raises:
        ValueError: naming the source and, for each fault, the key, what was expected and what was found.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ValueError(f"{source}:\n{describe(error, model)}") from None


def read_yaml(path: Path, loader: type[Loader] = Loader) -> Any:
    """Reads a YAML file.

    Args:
        path: the file.
        loader: how it is read.

    Raises:
        ValueError: where it is missing, no YAML, or gives a key twice; the message names it and the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ValueError(f"{path}: expected a YAML file, found nothing") from None
    except IsADirectoryError:
        raise ValueError(f"{path}: expected a YAML file, found a folder") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected YAML in UTF-8: {error}") from None
    return parse_yaml(text, str(path), loader)


def to_json(settings: BaseModel) -> str:
    """Returns settings as JSON with sorted keys, to be handed to a command line."""
    return json.dumps(settings.model_dump(mode="json"), sort_keys=True, allow_nan=False)
