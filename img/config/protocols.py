"""Protocols: how a run's weights are chosen. The one place that knows their names.

Needs nothing but Python, so that planning does not load torch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

LAST = "last"
"""The final weights: nothing is chosen on any split."""

_BEST_ON = "best_on_"


def best_on(split: str) -> str:
    """Names the protocol that takes the weights of the epoch that was best on a split."""
    return f"{_BEST_ON}{split}"


def list_protocols(selection_splits: Iterable[str]) -> list[str]:
    """Lists the protocols of a run that chooses weights on some splits."""
    return [LAST, *map(best_on, selection_splits)]


def checkpoint_of(run: Path, protocol: str) -> Path:
    """Names the file in a run's folder that holds a protocol's weights."""
    return run / f"{protocol}.safetensors"


def protocols_of(made: Mapping[str, Any]) -> list[str]:
    """Lists the protocols that a run has a checkpoint of.

    Args:
        made: what the run's options.json holds. Of an imported run there are only the weights that its makers
            chose.
    """
    splits = [made["selection_split"], *made.get("further_selection_splits", [])]
    return list(map(best_on, splits)) if "imported" in made else list_protocols(splits)


def choose_protocol(protocols: Sequence[str]) -> str:
    """Prefers the weights that nothing was chosen for; an imported run may have none of these."""
    return LAST if LAST in protocols else protocols[0]


def reported_on(split: str, protocols: Collection[str]) -> list[str]:
    """Picks the protocols that a paper's number on a split is set beside, in the order given.

    The final weights, and the weights that were best on this very split, as the authors choose theirs. Where
    nothing was chosen on the split, every protocol there is.
    """
    own = best_on(split)
    return [protocol for protocol in protocols if own not in protocols or protocol in (LAST, own)]
