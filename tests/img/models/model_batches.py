"""Small models and random batches."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from img.models.img.model import IMG
from img.models.img.options import ImgOptions
from img.models.protocol import Batch, MomentTargets, Stream

VISUAL, AUDIO, WORDS, CHARACTERS = 12, 10, 20, 15
SMALL = {"width": 16, "heads": 2, "dropout": 0.0, "max_clips": 16, "max_words": 12}


def small_model(**changes: Any) -> IMG:
    torch.manual_seed(0)
    options = ImgOptions.model_validate({**SMALL, **changes})
    return IMG(options, VISUAL, AUDIO, torch.randn(WORDS, 300), CHARACTERS).eval()


def audio_visual_batch(
    *, visual: Tensor, audio: Tensor, has_audio: Tensor | None = None, clip_mask: Tensor, **rest: Any
) -> Batch:
    """A batch of two streams; the moment's clips are `start`, `end`, `positive_clips`, `negative_clips`."""
    everyone = torch.ones(len(clip_mask), dtype=torch.bool)
    targets = {name: rest.pop(name) for name in ("start", "end", "positive_clips", "negative_clips")}
    span = torch.stack((targets["start"], targets["end"] + 1), 1) / clip_mask.sum(1, keepdim=True)
    return Batch(
        streams={
            "visual": Stream(visual, everyone),
            "audio": Stream(audio, everyone if has_audio is None else has_audio),
        },
        clip_mask=clip_mask,
        targets=MomentTargets(**targets, span=span),
        **rest,
    )


def changed(batch: Batch, **changes: Tensor) -> Batch:
    """The batch with other `visual`, `audio`, `has_audio`, or targets by their names."""
    streams = dict(batch.streams)
    for name in ("visual", "audio"):
        streams[name] = replace(streams[name], values=changes.pop(name, streams[name].values))
    present = changes.pop("has_audio", streams["audio"].present)
    streams["audio"] = replace(streams["audio"], present=present)
    return replace(batch, streams=streams, targets=replace(batch.targets, **changes))


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
    return audio_visual_batch(
        visual=torch.randn(size, longest_video, VISUAL, generator=rng) * clip_mask[:, :, None],
        audio=torch.randn(size, longest_video, AUDIO, generator=rng) * clip_mask[:, :, None],
        clip_mask=clip_mask,
        words=torch.randint(1, WORDS + 2, (size, longest_query), generator=rng) * word_mask,
        characters=characters * (torch.arange(6) < lengths[:, :, None]),
        word_mask=word_mask,
        start=start,
        end=end,
        positive_clips=torch.stack((start, end), 1),
        negative_clips=torch.tensor([[0, count - 1] for count in clips]),
    )


def sight(batch: Batch) -> Tensor:
    """The visual stream's values [B, T, D]."""
    return batch.streams["visual"].values


def sound(batch: Batch) -> Tensor:
    """The audio stream's values [B, T, D]."""
    return batch.streams["audio"].values


def rows(batch: Batch, index: list[int]) -> Batch:
    """The samples at `index`, with the batch's padding."""
    return _sliced(batch, lambda tensor: tensor[index])


def trimmed(batch: Batch) -> Batch:
    """The batch without the padding that all its samples share."""
    clips = int(batch.clip_mask.sum(1).max())
    words = int(batch.word_mask.sum(1).max())
    letters = 0 if batch.characters is None else int((batch.characters != 0).sum(2).max())
    return replace(
        batch,
        streams={
            name: Stream(stream.values[:, :clips], stream.present) for name, stream in batch.streams.items()
        },
        clip_mask=batch.clip_mask[:, :clips],
        word_mask=batch.word_mask[:, :words],
        words=None if batch.words is None else batch.words[:, :words],
        characters=None if batch.characters is None else batch.characters[:, :words, :letters],
        query_features=None if batch.query_features is None else batch.query_features[:, :words],
    )


def _sliced(value: Any, take: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return take(value)
    if isinstance(value, dict):
        return {name: _sliced(part, take) for name, part in value.items()}
    if value is None:
        return None
    return type(value)(**{part.name: _sliced(getattr(value, part.name), take) for part in fields(value)})


def with_query_features(batch: Batch, width: int, seed: int = 0) -> Batch:
    """The batch with features [B, N, width] in the place of its words."""
    shape = (*batch.word_mask.shape, width)
    features = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    features *= batch.word_mask[:, :, None]
    return replace(batch, words=None, characters=None, query_features=features)
