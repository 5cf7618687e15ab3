"""From encoded clips and words to the logits of boundaries, and from proposals to their scores."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from img.models.blocks.attention import ContextQueryAttention, QueryConcatenation
from img.models.blocks.streams import MASKED_LOGIT, Mask, StreamLinear
from img.models.emb.proposals import Proposals

NEIGHBOURHOOD = 3
"""Width of the square of proposals that a proposal's score looks at."""


class QueryFusion(nn.Module):
    """Steps told of the query word by word, then as a whole; ReLU."""

    def __init__(self, streams: int, width: int, dropout: float) -> None:
        super().__init__()
        self.context_query = ContextQueryAttention(streams, width, dropout)
        self.concatenation = QueryConcatenation(streams, width)

    def forward(self, x: Tensor, words: Tensor, mask: Mask, word_mask: Mask) -> Tensor:
        """Tell x, [S, B, L, D], of words [S, B, N, D]."""
        told, _ = self.context_query(x, words, mask, word_mask)
        return self.concatenation(told, words, word_mask).relu()


class BidirectionalLSTM(nn.Module):
    """An LSTM of each direction per stream, and a Linear that joins them.

    The second direction reads each sequence from its last real step, so that nothing need be packed: on a CPU
    PyTorch's packed LSTMs take four times as long.
    """

    def __init__(self, streams: int, width: int) -> None:
        super().__init__()
        self.forwards = nn.ModuleList(nn.LSTM(width, width, batch_first=True) for _ in range(streams))
        self.backwards = nn.ModuleList(nn.LSTM(width, width, batch_first=True) for _ in range(streams))
        self.linear = StreamLinear(streams, 2 * width, width)

    def forward(self, x: Tensor, mask: Mask) -> Tensor:
        """Read x, [S, B, L, D]."""
        turned = _turning(mask)[:, :, None].expand_as(x[0])
        read = [
            torch.cat((onwards(stream)[0], back(stream.gather(1, turned))[0].gather(1, turned)), -1)
            for onwards, back, stream in zip(self.forwards, self.backwards, x, strict=True)
        ]
        return self.linear(mask.zeroed(torch.stack(read)))


def _turning(mask: Mask) -> Tensor:
    """Return the order, [B, L], in which each sequence's real steps run backwards; padding stays in place."""
    steps = torch.arange(mask.keep.shape[1], device=mask.keep.device).expand(mask.keep.shape)
    turned = mask.keep.sum(1, keepdim=True).long() - 1 - steps
    return torch.where(turned < 0, steps, turned)


class BoundaryHead(nn.Module):
    """A logit per clip from what an LSTM read and the plain sequence."""

    def __init__(self, streams: int, width: int) -> None:
        super().__init__()
        self.hidden = StreamLinear(streams, 2 * width, width)
        self.output = StreamLinear(streams, width, 1)

    def forward(self, read: Tensor, x: Tensor, mask: Mask) -> Tensor:
        """Return logits, [S, B, T], from two sequences [S, B, T, D]; -1e30 at padding."""
        return self.output(self.hidden(torch.cat((read, x), -1)).relu()).squeeze(-1) + mask.logit_bias


class SpanHead(nn.Module):
    """A highlight over the clips, and the first and last clip of what it shows."""

    def __init__(self, streams: int, width: int, dropout: float) -> None:
        super().__init__()
        self.fusion = QueryFusion(streams, width, dropout)
        self.highlight = StreamLinear(streams, width, 1)
        self.start_reader = BidirectionalLSTM(streams, width)
        self.end_reader = BidirectionalLSTM(streams, width)
        self.start = BoundaryHead(streams, width)
        self.end = BoundaryHead(streams, width)

    def forward(
        self, clips: Tensor, words: Tensor, mask: Mask, word_mask: Mask
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits of start, end and highlight, [S, B, T] each; -1e30 at padding.

        Args:
            clips: [S, B, T, D].
            words: [S, B, N, D].
            mask: real clips.
            word_mask: real words.
        """
        x = self.fusion(clips, words, mask, word_mask)
        highlight = self.highlight(x).squeeze(-1) + mask.logit_bias
        x = x * highlight.sigmoid()[..., None]
        for_start = self.start_reader(x, mask)
        for_end = self.end_reader(for_start, mask)
        return self.start(for_start, x, mask), self.end(for_end, x, mask), highlight


class ProposalRanker(nn.Module):
    """How well each proposal overlaps the moment, seen beside its neighbours on the grid of bounds."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.fusion = QueryFusion(1, width, dropout)
        self.neighbours = nn.Conv2d(width, width, NEIGHBOURHOOD, padding=NEIGHBOURHOOD // 2)
        self.score = nn.Linear(width, 1)
        for layer in (self.neighbours, self.score):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, proposals: Proposals, x: Tensor, words: Tensor, word_mask: Mask) -> Tensor:
        """Return a logit for each proposal, [B, P], -1e30 for those a video has not.

        Args:
            proposals: P of them.
            x: their features, [1, B, P, D].
            words: [1, B, N, D].
            word_mask: real words.
        """
        mask = proposals.mask
        x = mask.zeroed(self.fusion(x, words, mask, word_mask))[0]
        seen = self.neighbours(proposals.lay_out(x).permute(0, 3, 1, 2)).relu().permute(0, 2, 3, 1)
        share = F.avg_pool2d(
            proposals.lay_out(mask.keep)[:, None],
            NEIGHBOURHOOD,
            stride=1,
            padding=NEIGHBOURHOOD // 2,
            divisor_override=1,
        )[:, 0]
        # A real proposal is one of its neighbours: there is at least one.
        averaged = proposals.pick_up(seen) / proposals.pick_up(share).clamp(min=1)[:, :, None]
        return self.score(averaged).squeeze(-1) + (1 - mask.keep) * MASKED_LOGIT
