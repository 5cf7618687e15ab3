"""Attention between and within sequences, several streams at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from img.models.blocks.streams import (
    Dropout,
    Mask,
    StreamLayerNorm,
    StreamLinear,
    StreamPool,
    xavier_per_stream_,
)


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention with linear queries, keys and values and no output projection.

    Heads are contiguous runs of D / heads channels; dropout acts on the attention weights.
    """

    def __init__(self, streams: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = StreamLinear(streams, width, width)
        self.key = StreamLinear(streams, width, width)
        self.value = StreamLinear(streams, width, width)
        self.dropout = Dropout(dropout)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(2, 3)

    def forward(self, x: Tensor, context: Tensor, logit_bias: Tensor) -> Tensor:
        """Let x attend to `context`.

        Args:
            x: [S, B, L, D].
            context: [S, B, M, D].
            logit_bias: added to the logits; broadcasts to [B, heads, L, M].

        Returns:
            [S, B, L, D].
        """
        query = self._split(self.query(x)) * (x.shape[-1] // self.heads) ** -0.5
        logits = query @ self._split(self.key(context)).transpose(-1, -2) + logit_bias
        attended = self.dropout(logits.softmax(-1)) @ self._split(self.value(context))
        return attended.transpose(2, 3).flatten(-2)


def pair_bias(mask: Mask, context_mask: Mask | None) -> Tensor:
    """Return the bias of logits between two sequences, [B, 1, L, 1 or M]; -1e30 where either is padded.

    A padded step of the first one so attends uniformly to the whole context, which matters only where padding
    leaks.
    """
    logit_bias = mask.logit_bias[:, None, :, None]
    if context_mask is None:
        return logit_bias
    return torch.minimum(logit_bias, context_mask.logit_bias[:, None, None])


class SelfAttention(nn.Module):
    """A sequence attends to itself; then one normalised Linear. Both are residual."""

    def __init__(self, streams: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(streams, width, heads, dropout)
        self.layer_norm1 = StreamLayerNorm(streams, width)
        self.layer_norm2 = StreamLayerNorm(streams, width)
        self.linear = StreamLinear(streams, width, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """Transform x, [S, B, L, D]; no step attends to padding."""
        normal = self.dropout(self.layer_norm1(x))
        x = x + self.dropout(self.attention(normal, normal, mask.logit_bias[:, None, None]))
        return x + self.dropout(self.linear(self.dropout(self.layer_norm2(x))))


class CrossAttention(nn.Module):
    """A sequence attends to another one; then one normalised Linear. Both are residual on the first."""

    def __init__(self, streams: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(streams, width, heads, dropout)
        self.layer_norm1 = StreamLayerNorm(streams, width)
        self.layer_norm2 = StreamLayerNorm(streams, width)
        self.layer_norm3 = StreamLayerNorm(streams, width)
        self.linear = StreamLinear(streams, width, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, context: Tensor, mask: Mask, context_mask: Mask | None) -> Tensor:
        """Transform x, [S, B, L, D].

        Args:
            x: [S, B, L, D].
            context: [S, B, M, D].
            mask: real steps of x.
            context_mask: real steps of `context`; None where all are real.
        """
        normal, normal_context = self.dropout(self.layer_norm1(x)), self.dropout(self.layer_norm2(context))
        x = x + self.dropout(self.attention(normal, normal_context, pair_bias(mask, context_mask)))
        return x + self.dropout(self.linear(self.dropout(self.layer_norm3(x))))


class ContextQueryAttention(nn.Module):
    """Clips and words attend to each other through one trilinear similarity (as in VSLNet and QANet)."""

    def __init__(self, streams: int, width: int, dropout: float) -> None:
        super().__init__()
        self.clip_weight = nn.Parameter(torch.empty(streams, width, 1))
        self.word_weight = nn.Parameter(torch.empty(streams, width, 1))
        self.product_weight = nn.Parameter(torch.empty(streams, 1, 1, width))
        for weight in (self.clip_weight, self.word_weight, self.product_weight):
            xavier_per_stream_(weight)
        self.linear = StreamLinear(streams, 4 * width, width)
        self.dropout = Dropout(dropout)

    def forward(
        self, clips: Tensor, words: Tensor, clip_mask: Mask, word_mask: Mask
    ) -> tuple[Tensor, Tensor]:
        """Mix the words into the clips.

        Args:
            clips: [S, B, T, D].
            words: [S, B, N, D].
            clip_mask: real clips.
            word_mask: real words.

        Returns:
            The clips told of the words, [S, B, T, D], and each clip's attention to the words, [S, B, T, N],
            which sums to 1.
        """
        some_clips, some_words = self.dropout(clips), self.dropout(words)
        by_word = self.word_weight.transpose(1, 2)[:, None]
        # (C * w_m + w_q) Q^T holds both the product term and the words' own term.
        similarity = torch.addcmul(by_word, some_clips, self.product_weight) @ some_words.transpose(-1, -2)
        similarity = similarity + some_clips @ self.clip_weight[:, None]
        over_words = (similarity + word_mask.logit_bias[:, None]).softmax(-1)
        over_clips = (similarity + clip_mask.logit_bias[:, :, None]).softmax(-2)
        clip_to_word = over_words @ words
        word_to_clip = over_words @ (over_clips.transpose(-1, -2) @ clips)
        mixed = torch.cat((clips, clip_to_word, clips * clip_to_word, clips * word_to_clip), -1)
        return self.linear(mixed), over_words


class QueryConcatenation(nn.Module):
    """The pooled query beside every clip, brought back to the width."""

    def __init__(self, streams: int, width: int) -> None:
        super().__init__()
        self.pool = StreamPool(streams, width)
        self.linear = StreamLinear(streams, 2 * width, width)

    def forward(self, clips: Tensor, words: Tensor, word_mask: Mask) -> Tensor:
        """Transform clips, [S, B, T, D], with the query's words, [S, B, N, D]."""
        query = self.pool(words, word_mask)[:, :, None].expand_as(clips)
        return self.linear(torch.cat((clips, query), -1))
