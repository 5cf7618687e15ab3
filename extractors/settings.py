"""What all settings share: strict classes and numbers, and how YAML is read."""

from __future__ import annotations

import re
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Strict

Whole = Annotated[int, Strict()]
"""A whole number, written as one: neither `true` nor "3" nor 3.0."""

Real = Annotated[float, Strict()]
"""A number, written as one: neither `true` nor "0.5"; `Settings` adds that it is finite."""

LARGEST_SEED = 2**32 - 1
"""Every library that draws takes seeds up to this."""


class Settings(BaseModel):
    """Settings that refuse unknown keys, infinity and NaN, and never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which also refuses a key given twice and reads 1e-4 as a number."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Reads one mapping."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            # The merge key `<<` stands for no value of its own.
            name = key.value if key.tag == "tag:yaml.org,2002:merge" else self.construct_object(key)
            if name in lines:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"expected each key once, found {key.value!r} again, first given in line {lines[name]}",
                    key.start_mark,
                )
            lines[name] = key.start_mark.line + 1
        return node


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def parse_yaml(text: str, source: str, loader: type[Loader] = Loader) -> Any:
    """Reads YAML.

    Args:
        text: one document.
        source: where it comes from, for the message.
        loader: how it is read.

    Raises:
        ValueError: where it is no YAML or gives a key twice; the message names the source and the line.
    """
    try:
        return yaml.load(text, loader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{source}{line}: expected YAML: {error.problem or error.context}") from None
    except RecursionError:
        raise ValueError(f"{source}: expected YAML, found values nested too deeply") from None
    # PyYAML lets through what Python says of a value that is no date, or too long a number.
    except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{source}: expected YAML: {error}") from None
