"""The model options of config/papers/img/variants.yaml, each once."""

from pathlib import Path
from typing import Any

from img.config.variants import read_variants
from img.models.img.options import ImgOptions

VARIANTS = read_variants(Path(__file__).parents[3] / "config" / "papers" / "img" / "variants.yaml")


def distinct_models() -> dict[str, dict[str, Any]]:
    """Options by the name of the first variant that has them; `img`, with none, comes first."""
    models: dict[ImgOptions, tuple[str, dict[str, Any]]] = {}
    for name, variant in VARIANTS.items():
        models.setdefault(ImgOptions.model_validate(variant.model), (name, variant.model))
    return dict(models.values())
