"""Weights and inputs of the recorded outputs of EMB's authors, made by formula."""

from dataclasses import dataclass

import numpy as np
import torch
from golden_reference import GOLDEN, filled

from img.models.emb.proposals import Proposals
from img.models.protocol import Batch, MomentTargets, Stream

WORDS, CHARACTERS, VISUAL, WORD_WIDTH = 102, 42, 1024, 300
SCALE = 1.5
ENLARGED = {"_block.2.conv1d.weight": 8.0, "ranker.predictor.weight": 3.0}
"""What is multiplied after filling, so that logits and scores spread as trained ones do."""


@dataclass(frozen=True)
class Case:
    seed: int
    shape: tuple[int, int, int, int]
    clips: tuple[int, ...]
    words: tuple[int, ...]
    start: tuple[int, ...]
    end: tuple[int, ...]


CASES = {
    "a": Case(7, (4, 20, 7, 5), (20, 13, 20, 7), (7, 4, 6, 3), (2, 0, 5, 1), (9, 4, 5, 6)),
    "b": Case(11, (4, 40, 9, 6), (40, 33, 16, 9), (5, 9, 2, 8), (10, 3, 0, 2), (25, 32, 7, 8)),
}


def filled_emb(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    factor = next((factor for ending, factor in ENLARGED.items() if name.endswith(ending)), 1.0)
    return filled(name, shape, SCALE) * factor


def position_table(rows: int = 128, width: int = 128) -> torch.Tensor:
    """The authors' buffer: sine and cosine side by side, in single precision."""
    frequency = torch.exp(torch.arange(0, width, 2).float() * -(np.log(10_000.0) / width))
    angle = torch.arange(rows).float()[:, None] * frequency
    return torch.stack((angle.sin(), angle.cos()), -1).flatten(1)


def official_state() -> dict[str, torch.Tensor]:
    """All 251 tensors of the authors' state dict, by formula."""
    state = {}
    for line in (GOLDEN / "emb_official_parameters.tsv").read_text().splitlines()[1:]:
        name, size = line.split("\t")[:2]
        state[name] = filled_emb(name, tuple(int(length) for length in size.split(",")))
    state["embedding_net.word_emb.pad_vec"] = torch.zeros(1, WORD_WIDTH)
    state["position.pe"] = position_table()
    return state


def batch(case: Case, narrative: torch.Tensor | None = None) -> Batch:
    samples, clips, words, letters = case.shape
    rng = np.random.default_rng(case.seed)
    ids = torch.from_numpy(rng.integers(2, WORDS, (samples, words)))
    characters = torch.from_numpy(rng.integers(1, CHARACTERS, (samples, words, letters)))
    visual = torch.from_numpy(rng.standard_normal((samples, clips, VISUAL)).astype(np.float32))
    counts = torch.tensor(case.clips)
    clip_mask = torch.arange(clips) < counts[:, None]
    word_mask = torch.arange(words) < torch.tensor(case.words)[:, None]
    start, end = torch.tensor(case.start), torch.tensor(case.end)
    everyone = torch.ones(samples, dtype=torch.bool)
    streams = {"visual": Stream(visual * clip_mask[:, :, None], everyone)}
    if narrative is not None:
        streams["narrative"] = Stream(narrative * clip_mask[:, :, None], everyone)
    return Batch(
        streams=streams,
        clip_mask=clip_mask,
        word_mask=word_mask,
        targets=MomentTargets(
            start=start,
            end=end,
            span=torch.stack((start, end + 1), 1) / counts[:, None],
            positive_clips=torch.stack((start, end), 1),
            negative_clips=torch.zeros(samples, 2, dtype=torch.int64),
        ),
        words=ids * word_mask,
        characters=characters * word_mask[:, :, None],
    )


def as_cells(proposals: Proposals, recorded: np.ndarray) -> torch.Tensor:
    """What was recorded of every cell, [B, K * K, ...], for the proposals, [B, P, ...]."""
    cells = proposals.first * proposals.blocks + proposals.last
    return torch.from_numpy(recorded)[:, cells]
