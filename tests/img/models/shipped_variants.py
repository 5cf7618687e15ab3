"""The model options of config/papers/img/variants.yaml, each once, and those that stand for the rest."""

from pathlib import Path
from typing import Any

from img.config.variants import read_variants
from img.models.img.options import ImgOptions

SHIPPED = read_variants(Path(__file__).parents[3] / "config" / "papers" / "img" / "variants.yaml")
VARIANTS = {name: variant for name, variant in SHIPPED.items() if "kind" not in variant.model}
"""Those of IMG."""

REPRESENTATIVES = {
    "img": "the `paper` preset, the predicted weight, three levels and every loss",
    "reference": "the `reference` preset",
    "visual_only": "one branch, and no part that reads sound",
    "addition": "a constant weight, and no predictor",
    "concatenation": "no weight but a Linear of both",
    "similarity": "the weight from the similarity to sight",
    "entropy": "the weight from the attention to the query",
    "local_global": "two levels, neither with slots",
    "event_supervised": "one level, its slots supervised",
    "without_pseudo_labels": "a predictor that learns from the fusion's losses alone",
}
"""A variant by what it alone covers; every other one differs from one of these by values in the same code."""


def distinct_models() -> dict[str, dict[str, Any]]:
    """Options by the name of the first variant that has them; `img`, with none, comes first."""
    models: dict[ImgOptions, tuple[str, dict[str, Any]]] = {}
    for name, variant in VARIANTS.items():
        models.setdefault(ImgOptions.model_validate(variant.model), (name, variant.model))
    return dict(models.values())


def representative_models() -> dict[str, dict[str, Any]]:
    """Options of the representatives by their names."""
    return {name: VARIANTS[name].model for name in REPRESENTATIVES}
