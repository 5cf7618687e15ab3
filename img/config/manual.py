"""The tables of config/README.md: every key of every configuration file, from the settings classes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from extractors.registry import KINDS
from img.config.schemas import build_schemas
from img.config.systems import SET_ELSEWHERE
from img.models.registry import DEFAULT, SYSTEMS

HEADING = "## Every key"

_SECTIONS = {
    "annotations": "Annotations",
    "annotations.subsets": "QuerySubset",
    "streams": "StreamOptions",
    "queries": "QueryOptions",
    "queries.encoder": "QueryEncoder",
    "inputs": "InputOptions",
    "imported": "ImportedArrays",
    "training": "TrainingOptions",
    "inference": "InferenceOptions",
    "timelines": "TimelineChoice",
    "paper": "PaperOptions",
}
_REQUIRED = "required"
_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}

Schema = Mapping[str, Any]


def fill_in(path: Path, manual: str) -> str:
    """Returns a manual whose tables, all that follows the heading `## Every key`, are those of the settings.

    Args:
        path: where the manual lies, for the message.
        manual: its text; what stands before the heading is kept.

    Raises:
        ValueError: where it has no such heading.
    """
    beginning, heading, _ = manual.partition(f"\n{HEADING}\n")
    if not heading:
        raise ValueError(f"{path}: expected a line `{HEADING}`, below which the tables go, found none")
    return beginning + heading + describe_keys()


def describe_keys() -> str:
    """Returns the sections of every configuration file's keys, as Markdown."""
    schemas = build_schemas()
    return "\n".join(("", *_describe(schemas["config"], schemas["dataset"], schemas["variants"])))


def _describe(config: Schema, dataset: Schema, variants: Schema) -> Iterator[str]:
    definitions = dataset["$defs"]
    yield "This part is written by `python -m img manual --out config/README.md`.\n"
    yield from _section("### `config/config.yaml`", "What holds for every dataset.", config)
    local = config["$defs"]["LocalResource"]
    yield from _section("#### `resources`", "Under a name of `resources/manifest.yaml`:", local)
    yield from _section("### `config/datasets/*.yaml`", "One file is one dataset, named after it.", dataset)
    for key, name in _SECTIONS.items():
        yield from _section(f"#### `{key}`", definitions[name]["description"], definitions[name])

    systems = _members(dataset["properties"]["model"])
    yield f"#### `model`\n\n{dataset['properties']['model']['description']}\n"
    yield f"`kind` names the system, `{DEFAULT}` where it is left out.\n"
    for name, system in SYSTEMS.items():
        schema = systems[name]
        yield f"##### `kind: {name}`\n\n{schema['description']}\n"
        presets = {preset: {"preset": preset, **values} for preset, values in system.options.presets.items()}
        yield from _table(schema["properties"], presets or {"default": {}})
    yield " ".join(f"`{name}` is set by `{key}`." for name, key in SET_ELSEWHERE.items()) + "\n"

    (any_extractor,) = dataset["properties"]["extractors"]["patternProperties"].values()
    kinds = _members(any_extractor)
    yield "#### `extractors`\n\nUnder a name of your choice: `kind`, `preset` if it has some, these keys.\n"
    for name, kind in KINDS.items():
        schema = kinds[name]
        modality = "visual or audio" if name == "imported" else kind.modality
        yield f"##### `kind: {name}` ({modality})\n\n{schema['description']}\n"
        presets = {f"preset: {preset}": values for preset, values in kind.parameters.presets.items()}
        properties = {key: schema["properties"][key] for key in kind.parameters.model_fields}
        yield from _table(properties, {"default": {}, **presets}, schema["required"])
    variant = {**variants["$defs"]["VariantGrid"], "$defs": variants["$defs"]}
    yield from _section(
        "### `config/papers/img/variants.yaml`", "A mapping from each variant's name to:", variant
    )


def _members(union: Schema) -> dict[str, Schema]:
    """Gives the members of a union by their titles."""
    return {member["title"]: member for member in union["oneOf"]}


def _section(heading: str, text: str, schema: Schema) -> Iterator[str]:
    yield f"{heading}\n\n{text}\n"
    definitions = schema.get("$defs", {})
    properties = {
        key: {**definitions[_name(entry)], **entry} if "$ref" in entry else entry
        for key, entry in schema["properties"].items()
    }
    yield from _table(properties, {"default": {}}, schema.get("required", ()))


def _name(reference: Schema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _table(
    properties: Mapping[str, Schema], presets: Mapping[str, Mapping[str, Any]], required: Sequence[str] = ()
) -> Iterator[str]:
    """Gives a table of keys with a column of values for each preset."""
    yield "| key | type | " + " | ".join(presets) + " | meaning |"
    yield "| --- " * (len(presets) + 3) + "|"
    for key, entry in properties.items():
        own = _REQUIRED if key in required else _value(entry)
        values = (_code(preset[key]) if key in preset else own for preset in presets.values())
        meaning = " ".join(entry.get("description", "").split())
        yield f"| `{key}` | {_type(entry)} | " + " | ".join(values) + f" | {meaning} |"
    yield ""


def _value(entry: Schema) -> str:
    if entry.get("type") == "object" and entry.get("properties") and entry.get("default") != {}:
        return "see below"
    return _code(entry["default"]) if "default" in entry else ""


def _code(value: Any) -> str:
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value, allow_nan=False)}`"


def _type(entry: Schema) -> str:
    """Says in words what a JSON schema accepts."""
    if "$ref" in entry or "oneOf" in entry:
        return "mapping"
    if "anyOf" in entry:
        return " or ".join(map(_type, entry["anyOf"]))
    if "const" in entry:
        return _code(entry["const"])
    if "enum" in entry:
        return " or ".join(map(_code, entry["enum"]))
    kind = entry.get("type")
    if kind == "null":
        return "`null`"
    if kind == "array":
        return f"list ({_type(entry['items'])})"
    if kind == "object":
        return "mapping"
    if entry.get("format") == "path":
        return "path"
    return _TYPES[str(kind)] + _bounds(entry)


def _bounds(entry: Schema) -> str:
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    bounds = " ".join(f"{word} {_number(entry[key])}" for key, word in words.items() if key in entry)
    return f" {bounds}" if bounds else ""


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"
