"""How clips and proposals take the query in: attention within, to each other, and within once more."""

from __future__ import annotations

from dataclasses import dataclass, fields

from torch import Tensor, nn

from img.models.blocks.streams import MASKED_LOGIT, Mask
from img.models.emb.guided import GuidedUnit, Guides, PlainUnit, content_guides
from img.models.emb.options import ElasticOptions
from img.models.emb.proposals import Proposals, block_maxima, hide_padding

CLIP_KERNEL, PROPOSAL_KERNEL = 7, 1
"""Steps that a guide's convolution spans."""


@dataclass(frozen=True)
class EncodedClips:
    """The clips of each stage, and the words that attended to them, [S, B, T, D] and [S, B, N, D]."""

    given: Tensor
    """Before any attention."""
    own: Tensor
    """After attention to each other."""
    told: Tensor
    """After attention to the words."""
    last: Tensor
    """After attention to each other once more."""
    words: Tensor
    """Of the query, having attended to the clips and then to each other."""

    def stream(self, index: int) -> EncodedClips:
        """Return one stream of several, with its axis of length 1."""
        return EncodedClips(*(getattr(self, part.name)[index : index + 1] for part in fields(self)))


class ClipEncoder(nn.Module):
    """Content-guided units of the clips, and plain ones of the words beside them."""

    def __init__(self, streams: int, options: ElasticOptions) -> None:
        super().__init__()
        sizes = streams, options.width, options.heads, options.dropout
        self.scope = options.guides
        self.own = GuidedUnit(*sizes, CLIP_KERNEL)
        self.told = GuidedUnit(*sizes, CLIP_KERNEL)
        self.last = GuidedUnit(*sizes, CLIP_KERNEL)
        self.words_told = PlainUnit(*sizes)
        self.words_last = PlainUnit(*sizes)

    def forward(self, clips: Tensor, words: Tensor, mask: Mask, word_mask: Mask) -> EncodedClips:
        """Encode clips, [S, B, T, D], and words, [S, B, N, D], which have attended to each other."""
        own = self.own(clips, self._guides(clips, mask), mask)
        told = self.told(own, self._guides(own, mask), mask, words, word_mask)
        last = self.last(told, self._guides(told, mask), mask)
        # The words look at the clips before these have looked at the words.
        answered = self.words_told(words, word_mask, own, mask)
        return EncodedClips(clips, own, told, last, self.words_last(answered, word_mask))

    def _guides(self, clips: Tensor, mask: Mask) -> Guides:
        return content_guides(clips, mask, self.scope)


class ProposalEncoder(nn.Module):
    """Bound-guided units of the proposals, and plain ones of the words beside them."""

    def __init__(self, options: ElasticOptions) -> None:
        super().__init__()
        sizes = 1, options.width, options.heads, options.dropout
        self.block, self.longest = options.proposal_block, options.longest_proposal
        self.masks_padding = options.mask_padding
        self.own = GuidedUnit(*sizes, PROPOSAL_KERNEL)
        self.told = GuidedUnit(*sizes, PROPOSAL_KERNEL)
        self.last = GuidedUnit(*sizes, PROPOSAL_KERNEL)
        self.words_told = PlainUnit(*sizes)
        self.words_last = PlainUnit(*sizes)

    def forward(
        self, clips: EncodedClips, words: Tensor, mask: Mask, word_mask: Mask
    ) -> tuple[Proposals, Tensor, Tensor]:
        """List and encode the proposals of a batch.

        Args:
            clips: every stage of the clips, [1, B, T, D]; those of one stage guide the proposals of the next.
            words: [1, B, N, D], which have attended to each other.
            mask: real clips.
            word_mask: real words.

        Returns:
            The proposals, their features [1, B, P, D], and their words [1, B, N, D].
        """
        found = Proposals.of(mask, self.block, self.longest)
        own = self.own(
            found.features(self._maxima(hide_padding(clips.given, mask))),
            found.guides(self._seen(clips.given, mask)),
            found.mask,
        )
        told = self.told(own, found.guides(self._seen(clips.own, mask)), found.mask, words, word_mask)
        last = self.last(told, found.guides(self._seen(clips.told, mask)), found.mask)
        answered = self.words_told(words, word_mask, own, found.mask)
        return found, last, self.words_last(answered, word_mask)

    def _seen(self, clips: Tensor, mask: Mask) -> Tensor:
        """Return the blocks that guide; padded clips are in them unless they are to be masked."""
        return self._maxima(hide_padding(clips, mask) if self.masks_padding else clips)

    def _maxima(self, clips: Tensor) -> Tensor:
        # The authors mean to fill the last block up with -1e30 and fill it with -1e-30.
        return block_maxima(clips, self.block, MASKED_LOGIT if self.masks_padding else 0.0)
