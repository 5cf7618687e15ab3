"""CLIP's image tower: one row for each frame, by transformers.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision". The row is the
class token after the last normalisation, times the projection: what OpenAI's `encode_image` gives.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from extractors import weights
from extractors.extras import import_extra
from extractors.kinds.clip.checkpoint import read_checkpoint, select
from extractors.kinds.clip.parameters import TOWERS, Activation, ClipImageParameters, TowerSizes
from extractors.network import NetworkExtractor, NormalisedFrames

EXTRA = "clip"

# Of the pictures CLIP was trained on, for red, green and blue.
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)


class ImageRows(nn.Module):
    """An image tower on windows of one frame."""

    def __init__(self, tower: Any, unit_rows: bool) -> None:
        """Takes transformers' CLIPVisionModelWithProjection, and whether rows are divided by their norms."""
        super().__init__()
        self.tower = tower
        self._unit_rows = unit_rows

    def forward(self, frames: Tensor) -> Tensor:
        """Turns frames [W, 3, 1, H, W'], normalised, into rows [W, 1, D]."""
        rows = self.tower(pixel_values=frames[:, :, 0]).image_embeds
        if self._unit_rows:
            rows = F.normalize(rows.float(), dim=-1)
        return rows[:, None]


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
    rows = ImageRows(tower, parameters.normalise == "l2")
    pipeline = nn.Sequential(NormalisedFrames(MEAN, DEVIATION), rows)
    return NetworkExtractor(pipeline, parameters, device, sizes.rows, rows_per_window=1)


def _make(sizes: TowerSizes, activation: str, pixels: int) -> Any:
    transformers = import_extra("transformers", EXTRA)
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
