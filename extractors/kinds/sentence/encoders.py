"""Encoders of texts: tokens with a state each, and one vector of the whole text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from extractors.kinds.sentence.parameters import EncoderName
from extractors.models.model_folders import load_model, load_processor

_SMALLEST_COUNT = 1e-9


class Encoded(NamedTuple):
    """What an encoder makes of texts.

    Attributes:
        tokens: a state for each token [B, L, D].
        pooled: a vector for each text [B, D'].
    """

    tokens: Tensor
    pooled: Tensor


class TextEncoder(nn.Module):
    """A network that reads tokens.

    Attributes:
        most_tokens: tokens that it reads of a text, the marks of its start and end included.
        token_width: D.
        width: D'.
    """

    most_tokens: ClassVar[int]
    token_width: int
    width: int

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """Encodes token ids [B, L], whose mask is 1 where there is a token."""
        raise NotImplementedError


class MiniLM(TextEncoder):
    """BERT whose states are averaged and divided by their norm, as sentence-transformers does."""

    most_tokens = 256

    def __init__(self, folder: Path, extra: str, sha256: str | None = None) -> None:
        """Loads the network; see `load_model` for what is refused."""
        super().__init__()
        self.model = load_model("BertModel", folder, extra, sha256, add_pooling_layer=False)
        self.token_width = self.width = self.model.config.hidden_size

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """Averages over the tokens of each text."""
        states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        shares = mask[..., None].float()
        mean = (states * shares).sum(1) / shares.sum(1).clamp_min(_SMALLEST_COUNT)
        return Encoded(states, F.normalize(mean, dim=-1))


class ClipText(TextEncoder):
    """CLIP's text tower: states behind its last norm; at the end token, projected to the space of images.

    Tokens are `last_hidden_state` and vectors `pooler_output` in the files of Moment-DETR. Neither is
    normalised.
    """

    most_tokens = 77

    def __init__(self, folder: Path, extra: str, sha256: str | None = None) -> None:
        """Loads the network, also from the folder of a whole CLIP; see `load_model` for what is refused."""
        super().__init__()
        self.model = load_model("CLIPTextModelWithProjection", folder, extra, sha256)
        self.token_width = self.model.config.hidden_size
        self.width = self.model.config.projection_dim

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """Takes the state at each text's last token, which is its end token."""
        states = self.model.text_model(input_ids=ids, attention_mask=mask).last_hidden_state
        last = mask.sum(1) - 1
        ends = states[torch.arange(len(states), device=states.device), last]
        return Encoded(states.float(), self.model.text_projection(ends).float())


ENCODERS: dict[EncoderName, type[TextEncoder]] = {"minilm": MiniLM, "clip_text": ClipText}


class Tokeniser:
    """Turns texts into token ids, the marks of start and end included."""

    def __init__(
        self, encoder: EncoderName, folder: Path, extra: str, most_tokens: int | None = None
    ) -> None:
        """Loads the tokeniser of an encoder's folder.

        Args:
            encoder: whose.
            folder: of the encoder.
            extra: of pyproject.toml, which installs transformers.
            most_tokens: longer texts lose what is behind, but their end; None for the encoder's own limit.
        """
        self._most = min(most_tokens or ENCODERS[encoder].most_tokens, ENCODERS[encoder].most_tokens)
        self._tokeniser: Any = load_processor("AutoTokenizer", folder, extra)

    def ids(self, text: str) -> list[int]:
        """Gives the token ids of one text."""
        found = self._tokeniser(text, truncation=True, max_length=self._most)
        ids: list[int] = found["input_ids"]
        return ids


def pad(texts: Sequence[Sequence[int]], length: int | None = None) -> np.ndarray:
    """Lays token ids beside each other: ids and mask int64 [B, 2, L], L that of the longest by default."""
    padded = np.zeros((len(texts), 2, length or max(map(len, texts))), np.int64)
    for row, ids in zip(padded, texts, strict=True):
        row[0, : len(ids)] = ids
        row[1, : len(ids)] = 1
    return padded
