"""EVA-CLIP g/14's image tower: 1024-d rows of single frames, by the network that open_clip builds it of.

Fang et al. 2023, "EVA: Exploring the Limits of Masked Visual Representation Learning at Scale". The row is
what `encode_image` of open_clip's `EVA01-g-14` gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from extractors.kinds.eva_clip.parameters import EvaClipParameters
from extractors.models import weights
from extractors.models.extras import import_extra
from extractors.models.network import CLIP_DEVIATION, CLIP_MEAN, ImageRows, NetworkExtractor, NormalisedFrames

WIDTH = 1024
_TOWER = "eva_giant_patch14_224"

# Of the image tower, in open_clip's files and in the authors'; the longer one is a beginning of the other.
_PREFIXES = ("visual.trunk.", "visual.")


def build(parameters: EvaClipParameters, device: str) -> NetworkExtractor:
    """Builds the extractor: windows uint8 [W, 1, H, W', 3] to rows [W, 1, 1024].

    Args:
        parameters: their weights are the authors' file or open_clip's.
        device: name of the torch device.

    Raises:
        FileNotFoundError: if there is no weights file.
        ModuleNotFoundError: if open_clip's networks are not installed.
        ValueError: if the weights file is refused or does not fit the network.
    """
    return build_tower({}, WIDTH, parameters, device)


def build_tower(
    sizes: Mapping[str, Any], width: int, parameters: EvaClipParameters, device: str
) -> NetworkExtractor:
    """Builds the extractor of a tower whose sizes (of timm) differ from the published one's; see `build`."""
    timm = import_extra("timm", EvaClipParameters.extra)
    tower = timm.create_model(
        _TOWER,
        pretrained=False,
        num_classes=width,
        global_pool="token",
        img_size=parameters.crop,
        **sizes,
    )
    if parameters.weights == "random":
        weights.initialise(tower, parameters.seed)
    else:
        state = weights.load_state(parameters.weights, parameters.weights_sha256, key="state_dict")
        weights.load_strict(tower, _of_tower(state, parameters.weights), parameters.weights)
    rows = ImageRows(tower, parameters.normalise == "l2")
    pipeline = nn.Sequential(NormalisedFrames(CLIP_MEAN, CLIP_DEVIATION), rows)
    return NetworkExtractor(pipeline, parameters, device, width, rows_per_window=1)


def _of_tower(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Gives the image tower's tensors of a file, under the tower's own names."""
    for prefix in _PREFIXES:
        found = {name: tensor for name, tensor in state.items() if name.startswith(prefix)}
        if found:
            return {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    shown = ", ".join(list(state)[:5])
    raise ValueError(f"{path}: expected the weights of EVA-CLIP's image tower, found {shown or 'nothing'}")
