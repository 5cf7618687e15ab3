"""Noise in the sound of a share of the videos, to see how far a model's answers hold (paper Figure 4)."""

from __future__ import annotations

import numpy as np
import torch

from img.data.ragged import Ragged
from img.data.subsets import choose_share, number_of


def add_noise(audio: Ragged, videos: np.ndarray, heard: np.ndarray, share: float) -> Ragged:
    """Adds Gaussian noise to the audio features of a share of the videos that have sound.

    The paper "introduced random gaussian noise to a subset of the test set audio samples" (section 4.3) and
    says neither how much nor what a sample is. Here a video's sound is noisy for all of its queries, and the
    noise has, value by value, the standard deviation of the features: as strong as what it is added to. A
    video's noise follows from its name.

    Args:
        audio: features, a sequence for each query.
        videos: each query's video [Q].
        heard: clips of each query's video, from the first, that have sound [Q].
        share: of the videos with sound, from 0 to 1; a smaller share lies within a larger one.

    Returns:
        The sequences, in rows of their own where anything was added.
    """
    noisy = choose_share(videos[heard > 0], share)
    if not noisy:
        return audio
    names, query, video = np.unique(videos, return_index=True, return_inverse=True)
    lengths = audio.lengths[query]
    first = lengths.cumsum(0) - lengths
    spans = zip(audio.first[query].tolist(), lengths.tolist(), strict=True)
    rows = torch.cat([audio.rows[start : start + length] for start, length in spans])
    parts = zip(rows.split(lengths.tolist()), heard[query].tolist(), strict=True)
    sounds = [part[:clips] for part, clips in parts]
    deviation = torch.cat(sounds).std(0, correction=0)
    for name, sound in zip(names, sounds, strict=True):
        if name in noisy:
            noise = np.random.default_rng(number_of(name)).standard_normal(sound.shape, np.float32)
            sound.add_(deviation * torch.from_numpy(noise))
    return Ragged(rows, first[video], lengths[video])
