"""Noise in the sound of a share of the videos, to see how far a model's answers hold (paper Figure 4)."""

from __future__ import annotations

import numpy as np
import torch

from img.data.ragged import Ragged
from img.data.subsets import choose_share, number_of


def add_noise(audio: Ragged, videos: np.ndarray, has_audio: np.ndarray, share: float) -> Ragged:
    """Adds Gaussian noise to the audio features of a share of the videos that have sound.

    The paper "introduced random gaussian noise to a subset of the test set audio samples" (section 4.3) and
    says neither how much nor what a sample is. Here a video's sound is noisy for all of its queries, and the
    noise has, value by value, the standard deviation of the features: as strong as what it is added to. A
    video's noise follows from its name.

    Args:
        audio: features, a sequence for each query.
        videos: each query's video [Q].
        has_audio: whether each query's video has sound [Q].
        share: of the videos with sound, from 0 to 1; a smaller share lies within a larger one.

    Returns:
        The sequences, in rows of their own where anything was added.
    """
    noisy = choose_share(videos[has_audio], share)
    if not noisy:
        return audio
    names, query, video = np.unique(videos, return_index=True, return_inverse=True)
    lengths = audio.lengths[query]
    first = lengths.cumsum(0) - lengths
    places = zip(audio.first[query].tolist(), lengths.tolist(), strict=True)
    rows = torch.cat([audio.rows[place : place + length] for place, length in places])
    heard = torch.from_numpy(has_audio[query]).repeat_interleave(lengths)
    deviation = rows[heard].std(0, correction=0)
    for name, sequence in zip(names, rows.split(lengths.tolist()), strict=True):
        if name in noisy:
            noise = np.random.default_rng(number_of(name)).standard_normal(sequence.shape, np.float32)
            sequence.add_(deviation * torch.from_numpy(noise))
    return Ragged(rows, first[video], lengths[video])
