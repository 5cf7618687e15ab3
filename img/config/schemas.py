"""JSON schemas of the configuration files, generated from the settings classes."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from extractors.registry import KINDS
from img.config.dataset import Dataset
from img.config.project import Configuration
from img.config.variants import VariantGrid
from img.models.registry import DEFAULT, SYSTEMS


def build_schemas() -> dict[str, dict[str, Any]]:
    """Returns the schema of each configuration file, by name.

    The settings of an extractor and of the model are checked against their own classes while a dataset is
    read; in the schema they take the place of the free mappings.
    """
    dataset = Dataset.model_json_schema()
    definitions = dataset.setdefault("$defs", {})
    kinds = []
    for kind in KINDS.values():
        schema = kind.parameters.model_json_schema()
        schema["properties"] = {
            "kind": {"const": kind.name, "description": "Name of the extractor's kind."},
            "preset": {"enum": sorted(kind.parameters.presets), "description": "A published recipe."},
            **schema["properties"],
        }
        if not kind.parameters.presets:
            del schema["properties"]["preset"]
        schema["required"] = ["kind", *schema.get("required", [])]
        definitions[f"extractor_{kind.name}"] = schema
        kinds.append({"$ref": f"#/$defs/extractor_{kind.name}"})
    extractors, model = dataset["properties"]["extractors"], dataset["properties"]["model"]
    extractors["patternProperties"] = {names: {"oneOf": kinds} for names in extractors["patternProperties"]}
    extractors["additionalProperties"] = False
    for system in SYSTEMS.values():
        # A dataset may give any of them: what it leaves out comes from a preset or the default.
        schema = system.options.model_json_schema() | {"required": []}
        schema["properties"]["kind"] |= {"const": system.name}
        if system.name != DEFAULT:
            schema["required"] = ["kind"]
        definitions[f"system_{system.name}"] = schema
    model["oneOf"] = [{"$ref": f"#/$defs/system_{name}"} for name in SYSTEMS]
    return {
        "config": Configuration.model_json_schema(),
        "dataset": dataset,
        "variants": TypeAdapter(dict[str, VariantGrid]).json_schema(),
    }
