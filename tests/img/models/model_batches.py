"""Small models and random batches."""

from dataclasses import fields, replace
from typing import Any

import torch

from img.models.img.model import IMG
from img.models.img.options import ImgOptions
from img.models.protocol import Batch

VISUAL, AUDIO, WORDS, CHARACTERS = 12, 10, 20, 15
SMALL = {"width": 16, "heads": 2, "dropout": 0.0, "max_clips": 16, "max_words": 12}


def small_model(**changes: Any) -> IMG:
    torch.manual_seed(0)
    options = ImgOptions.model_validate({**SMALL, **changes})
    return IMG(options, VISUAL, AUDIO, torch.randn(WORDS, 300), CHARACTERS).eval()


def random_batch(clips: list[int], words: list[int], seed: int = 0) -> Batch:
    """One sample per entry; words have 1 to 6 characters."""
    rng = torch.Generator().manual_seed(seed)
    size, longest_video, longest_query = len(clips), max(clips), max(words)
    clip_mask = torch.arange(longest_video) < torch.tensor(clips)[:, None]
    word_mask = torch.arange(longest_query) < torch.tensor(words)[:, None]
    lengths = torch.randint(1, 7, (size, longest_query), generator=rng) * word_mask
    characters = torch.randint(1, CHARACTERS, (size, longest_query, 6), generator=rng)
    start = torch.tensor([count // 3 for count in clips])
    end = torch.tensor([count // 2 for count in clips])
    return Batch(
        visual=torch.randn(size, longest_video, VISUAL, generator=rng) * clip_mask[:, :, None],
        audio=torch.randn(size, longest_video, AUDIO, generator=rng) * clip_mask[:, :, None],
        clip_mask=clip_mask,
        has_audio=torch.ones(size, dtype=torch.bool),
        words=torch.randint(1, WORDS + 2, (size, longest_query), generator=rng) * word_mask,
        characters=characters * (torch.arange(6) < lengths[:, :, None]),
        word_mask=word_mask,
        start=start,
        end=end,
        positive_clips=torch.stack((start, end), 1),
        negative_clips=torch.tensor([[0, count - 1] for count in clips]),
    )


def rows(batch: Batch, index: list[int]) -> Batch:
    """The samples at `index`, with the batch's padding."""
    held = {f.name: getattr(batch, f.name) for f in fields(batch) if f.name != "clip_counts"}
    return Batch(**{name: None if tensor is None else tensor[index] for name, tensor in held.items()})


def trimmed(batch: Batch) -> Batch:
    """The batch without the padding that all its samples share."""
    clips = int(batch.clip_mask.sum(1).max())
    words = int(batch.word_mask.sum(1).max())
    letters = 0 if batch.characters is None else int((batch.characters != 0).sum(2).max())
    return Batch(
        visual=batch.visual[:, :clips],
        audio=batch.audio[:, :clips],
        clip_mask=batch.clip_mask[:, :clips],
        has_audio=batch.has_audio,
        words=None if batch.words is None else batch.words[:, :words],
        characters=None if batch.characters is None else batch.characters[:, :words, :letters],
        word_mask=batch.word_mask[:, :words],
        start=batch.start,
        end=batch.end,
        positive_clips=batch.positive_clips,
        negative_clips=batch.negative_clips,
        query_features=None if batch.query_features is None else batch.query_features[:, :words],
    )


def with_query_features(batch: Batch, width: int, seed: int = 0) -> Batch:
    """The batch with features [B, N, width] in the place of its words."""
    shape = (*batch.word_mask.shape, width)
    features = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    features *= batch.word_mask[:, :, None]
    return replace(batch, words=None, characters=None, query_features=features)
