"""JSON schemas of the configuration files, generated from the settings classes."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from img.config.dataset import Dataset
from img.config.project import Configuration
from img.config.variants import VariantGrid


def build_schemas() -> dict[str, dict[str, Any]]:
    """Returns the schema of each configuration file, by name."""
    return {
        "config": Configuration.model_json_schema(),
        "dataset": Dataset.model_json_schema(),
        "variants": TypeAdapter(dict[str, VariantGrid]).json_schema(),
    }
