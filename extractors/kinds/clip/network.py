"""CLIP's image tower: one row for each frame, by transformers.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision". The row is the
class token after the last normalisation, times the projection: what OpenAI's `encode_image` gives.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from extractors.kinds.clip.checkpoint import read_checkpoint, select
from extractors.kinds.clip.parameters import TOWERS, Activation, ClipImageParameters, TowerSizes
from extractors.models import weights
from extractors.models.extras import import_extra
from extractors.models.network import CLIP_DEVIATION, CLIP_MEAN, ImageRows, NetworkExtractor, NormalisedFrames


class Embeddings(nn.Module):
    """What transformers' image tower gives of its several outputs: the projected ones."""

    def __init__(self, tower: Any) -> None:
        """Takes transformers' CLIPVisionModelWithProjection."""
        super().__init__()
        self.tower = tower

    def forward(self, pictures: Tensor) -> Tensor:
        """Turns pictures [W, 3, H, W'], normalised, into rows [W, D]."""
        rows: Tensor = self.tower(pixel_values=pictures).image_embeds
        return rows


def build(parameters: ClipImageParameters, device: str) -> NetworkExtractor:
    """Builds the extractor: windows uint8 [W, 1, H, W', 3] to rows [W, 1, D].

    Args:
        parameters: their weights are in any of the forms that `read_checkpoint` reads.
        device: name of the torch device.

    Raises:
        FileNotFoundError: if there are no weights.
        ModuleNotFoundError: if transformers is not installed.
        ValueError: if the weights are refused, do not fit the tower, or do not say their activation.
    """
    return build_tower(TOWERS[parameters.architecture], parameters, device)


def build_tower(sizes: TowerSizes, parameters: ClipImageParameters, device: str) -> NetworkExtractor:
    """Builds the extractor of a tower of any sizes; see `build`."""
    if parameters.weights == "random":
        tower = _make(sizes, parameters.activation or "quick_gelu", parameters.crop)
        weights.initialise(tower, parameters.seed)
    else:
        checkpoint = read_checkpoint(parameters.weights, parameters.weights_sha256)
        tower = _make(sizes, _agree(parameters, checkpoint.activation), parameters.crop)
        weights.load_strict(tower, select(checkpoint, "vision", parameters.weights), parameters.weights)
    rows = ImageRows(Embeddings(tower), parameters.normalise == "l2")
    pipeline = nn.Sequential(NormalisedFrames(CLIP_MEAN, CLIP_DEVIATION), rows)
    return NetworkExtractor(pipeline, parameters, device, sizes.rows, rows_per_window=1)


def _make(sizes: TowerSizes, activation: str, pixels: int) -> Any:
    transformers = import_extra("transformers", ClipImageParameters.extra)
    config = transformers.CLIPVisionConfig(
        num_hidden_layers=sizes.layers,
        hidden_size=sizes.width,
        intermediate_size=4 * sizes.width,
        num_attention_heads=sizes.heads,
        patch_size=sizes.patch,
        projection_dim=sizes.rows,
        image_size=pixels,
        hidden_act=activation,
    )
    return transformers.CLIPVisionModelWithProjection(config)


def _agree(parameters: ClipImageParameters, found: str | None) -> str:
    """Holds the activation that is set against what the file says."""
    wanted: Activation | None = parameters.activation
    if wanted is None and found is None:
        raise ValueError(
            f"{parameters.weights}: expected it to say its activation, and a bare state dict does not; set "
            "`activation: quick_gelu` for OpenAI's weights, or what its publisher says"
        )
    if wanted is not None and found is not None and wanted != found:
        raise ValueError(
            f"{parameters.weights}: activation: expected {found}, as the file says, found {wanted}"
        )
    return wanted or found or ""
