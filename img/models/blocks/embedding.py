"""From word and character ids, and from extracted features, to sequences of the model's width."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from img.models.blocks.streams import Dropout, StreamLinear, xavier_linear, xavier_per_stream_

PAD = 0
UNKNOWN = 1
CHARACTER_WIDTH = 50
KERNEL_CHANNELS = {1: 10, 2: 20, 3: 30, 4: 40}
"""Channels of the character convolution of each width."""


class CharacterConvolution(nn.Module):
    """Convolution over a word's characters, ReLU and the maximum over all its windows."""

    def __init__(self, streams: int, channels: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(streams, channels, CHARACTER_WIDTH, kernel))
        self.bias = nn.Parameter(torch.zeros(streams, channels))
        xavier_per_stream_(self.weight)

    def forward(self, characters: Tensor, lengths: Tensor | None) -> Tensor:
        """Summarise words.

        Args:
            characters: [W, S * 50, C], W words.
            lengths: [W] characters of each word, to keep windows that reach into padding out of the maximum
                (a word shorter than the kernel keeps its first window); None to take all windows.

        Returns:
            [W, S, channels].
        """
        streams, channels, _, kernel = self.weight.shape
        windows = F.conv1d(characters, self.weight.flatten(0, 1), self.bias.flatten(), groups=streams)
        if lengths is not None:
            last = (lengths - kernel).clamp(min=0)
            outside = torch.arange(windows.shape[-1], device=windows.device) > last[:, None]
            windows = windows.masked_fill(outside[:, None], -torch.inf)
        # ReLU is monotone: taking the maximum first leaves less to rectify.
        return F.relu(windows.amax(-1)).unflatten(1, (streams, channels))


class CharacterEmbedding(nn.Module):
    """Words from their characters: embedding, convolutions of widths 1 to 4, maximum."""

    def __init__(self, streams: int, count: int, dropout: float, mask_padding: bool) -> None:
        super().__init__()
        self.mask_padding = mask_padding
        self.table = nn.Parameter(torch.randn(streams, count, CHARACTER_WIDTH))
        self.table.data[:, PAD] = 0
        self.convolutions = nn.ModuleList(
            CharacterConvolution(streams, channels, kernel) for kernel, channels in KERNEL_CHANNELS.items()
        )
        self.dropout = Dropout(dropout)

    def forward(self, ids: Tensor) -> Tensor:
        """Embed ids, [B, N, C] int64, to [S, B, N, 100]."""
        words = F.pad(ids.flatten(0, 1), (0, max(0, max(KERNEL_CHANNELS) - ids.shape[-1])), value=PAD)
        # Side by side in one table: one look-up serves all streams.
        table = self.table.transpose(0, 1).flatten(1)
        characters = self.dropout(F.embedding(words, table, padding_idx=PAD)).transpose(1, 2)
        lengths = (words != PAD).sum(1) if self.mask_padding else None
        summaries = torch.cat([convolution(characters, lengths) for convolution in self.convolutions], -1)
        return summaries.transpose(0, 1).unflatten(1, ids.shape[:2])


class WordEmbedding(nn.Module):
    """Frozen word vectors with one trainable vector per stream for unknown words; PAD is zero."""

    vectors: Tensor

    def __init__(self, streams: int, word_vectors: Tensor) -> None:
        super().__init__()
        width = word_vectors.shape[1]
        table = torch.cat((word_vectors.new_zeros(2, width), word_vectors))
        # A copy per stream, since the authors' checkpoints hold one per stream.
        self.register_buffer("vectors", table.expand(streams, -1, -1).clone())
        self.unknown = nn.Parameter(torch.empty(streams, 1, width))
        xavier_per_stream_(self.unknown)

    def add(self, vectors: Tensor) -> None:
        """Append frozen vectors [W, width]; their ids follow those there are.

        Raises:
            ValueError: they are of another width.
        """
        streams, _, width = self.vectors.shape
        if vectors.shape[1] != width:
            raise ValueError(f"words: expected vectors of {width} values, found {vectors.shape[1]}")
        further = vectors.to(self.vectors).expand(streams, -1, -1)
        self.vectors = torch.cat((self.vectors, further), 1)

    def forward(self, ids: Tensor) -> Tensor:
        """Embed ids, [B, N] int64, to [S, B, N, width of the word vectors]."""
        known = torch.stack([F.embedding(ids, table) for table in self.vectors])
        return torch.where((ids == UNKNOWN)[:, :, None], self.unknown[:, None], known)


class QueryEmbedding(nn.Module):
    """Word and character embeddings side by side, brought to the model's width."""

    def __init__(
        self,
        streams: int,
        word_vectors: Tensor,
        character_count: int,
        width: int,
        dropout: float,
        mask_padding: bool,
    ) -> None:
        super().__init__()
        self.words = WordEmbedding(streams, word_vectors)
        self.characters = CharacterEmbedding(streams, character_count, dropout, mask_padding)
        inputs = word_vectors.shape[1] + sum(KERNEL_CHANNELS.values())
        self.linear = StreamLinear(streams, inputs, width)
        self.dropout = Dropout(dropout)

    def forward(self, words: Tensor, characters: Tensor) -> Tensor:
        """Embed a query per stream.

        Args:
            words: [B, N] int64.
            characters: [B, N, C] int64.

        Returns:
            [S, B, N, D].
        """
        return self.linear(torch.cat((self.dropout(self.words(words)), self.characters(characters)), -1))


class QueryProjection(nn.Module):
    """Given features of a query, brought to the model's width: dropout, then a Linear per stream.

    The paper replaces GloVe by the text encoders of CLIP and LLaMA2 (appendix, implementation details). The
    authors' model for them (IMGNet4VLM) projects them as visual and audio features are, once per side, and
    differs in nothing else.
    """

    def __init__(self, streams: int, inputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.streams = streams
        self.dropout = Dropout(dropout)
        self.linear = StreamLinear(streams, inputs, width)

    def forward(self, features: Tensor) -> Tensor:
        """Project features, [B, N, inputs], to [S, B, N, D]."""
        return self.linear(self.dropout(features.expand(self.streams, *features.shape)))


class FeatureProjection(nn.Module):
    """Dropout, then a Linear from a feature's width to the model's."""

    def __init__(self, inputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.linear = xavier_linear(inputs, width)

    def forward(self, features: Tensor) -> Tensor:
        """Project features, [B, T, inputs], to [B, T, D]."""
        return self.linear(self.dropout(features))
