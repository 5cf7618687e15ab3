"""Weights and inputs of the recorded reference outputs, made by formula."""

import math
import zlib
from pathlib import Path

import numpy as np
import torch
from model_batches import audio_visual_batch

from img.models.protocol import Batch

GOLDEN = Path(__file__).parents[2] / "golden"
HALVED = ("char_emb.weight", "pos_embedding.position_embeddings.weight", "glove_vec", "unk_vec")
SIZES = {"words": 102, "characters": 42, "visual": 1024, "audio": 2048}


def filled(name: str, shape: tuple[int, ...], scale: float = 0.7) -> torch.Tensor:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if len(shape) <= 1:
        base = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        values = base + 0.1 * rng.standard_normal(shape)
    else:
        fan = max(math.prod(shape) // shape[0], 16)
        values = rng.standard_normal(shape) * scale / math.sqrt(fan)
    values = values.astype(np.float32)
    return torch.from_numpy(values * np.float32(0.5) if name.endswith(HALVED) else values)


def batch() -> Batch:
    rng = np.random.default_rng(7)
    words = torch.from_numpy(rng.integers(2, SIZES["words"], (4, 7)))
    characters = torch.from_numpy(rng.integers(1, SIZES["characters"], (4, 7, 5)))
    visual = torch.from_numpy(rng.standard_normal((4, 20, SIZES["visual"])).astype(np.float32))
    audio = torch.from_numpy(rng.standard_normal((4, 20, SIZES["audio"])).astype(np.float32))
    clip_mask = torch.arange(20) < torch.tensor([20, 13, 20, 7])[:, None]
    word_mask = torch.arange(7) < torch.tensor([7, 4, 6, 3])[:, None]
    start, end = torch.tensor([2, 0, 5, 1]), torch.tensor([9, 4, 5, 6])
    return audio_visual_batch(
        visual=visual * clip_mask[:, :, None],
        audio=audio * clip_mask[:, :, None],
        clip_mask=clip_mask,
        words=words * word_mask,
        characters=characters * word_mask[:, :, None],
        word_mask=word_mask,
        start=start,
        end=end,
        positive_clips=torch.stack((start, end), 1),
        negative_clips=torch.tensor([[0, 1], [8, 9], [0, 1], [0, 0]]),
    )


def official_state(position_table: np.ndarray) -> dict[str, torch.Tensor]:
    """All 479 tensors of the authors' state dict, by formula, with the recorded position table."""
    state = {}
    for line in (GOLDEN / "img_official_parameters.tsv").read_text().splitlines()[1:]:
        name, size = line.split("\t")[:2]
        shape = tuple(int(length) for length in size.split("x"))
        if name.endswith("glove_vec"):
            shape = (SIZES["words"] - 2, 300)
        state[name] = filled(name, shape)
    for side in "va":
        state[f"word_embedding{side}.word_emb.pad_vec"] = torch.zeros(1, 300)
        state[f"feature_encoder{side}.pe.pe"] = torch.from_numpy(position_table)
    return state
