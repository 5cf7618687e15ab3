"""What all settings share: how they are read, checked and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from extractors import registry

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
Name = Annotated[str, Field(pattern=NAME)]
Settings = TypeVar("Settings", bound=BaseModel)


class Strict(BaseModel):
    """Settings that refuse unknown keys and never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def check(model: type[Settings], values: Any, source: str) -> Settings:
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
        raise ValueError(f"{source}:\n{registry.describe(error)}") from None


def read_yaml(path: Path) -> Any:
    """Reads a YAML file.

    Raises:
        ValueError: where it is missing or no YAML; the message names it.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: expected a YAML file, found nothing") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: expected YAML: {error}") from None


def to_json(settings: BaseModel) -> str:
    """Returns settings as JSON with sorted keys, to be handed to a command line."""
    return json.dumps(settings.model_dump(mode="json"), sort_keys=True)
