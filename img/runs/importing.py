"""A run from a checkpoint that a system's authors published: evaluated like one of ours."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from extractors.storage.files import sha256_of, write_json
from extractors.storage.libraries import library_versions
from img.config.protocols import best_on, checkpoint_of
from img.config.runs import RunOptions
from img.data.text.vocabulary import VOCABULARY, Vocabulary
from img.models.checkpoint import save_checkpoint
from img.models.registry import find_system
from img.models.sizes import Sizes, check_fit
from img.runs.folder import OPTIONS

# The split on which the authors choose the epoch they keep.
_SPLIT = "test"

# What a state dict is often kept under, beside an optimiser's and other things.
_KEYS = ("model", "state_dict", "model_state_dict")


def import_run(
    kind: str,
    checkpoint: Path,
    words: Path | None,
    characters: Path | None,
    choices: Mapping[str, Any],
    out: Path,
) -> None:
    """Turns the authors' checkpoint into a run that `evaluate` takes.

    The run holds `best_on_test.safetensors` alone, for that is how the authors choose what they keep;
    `options.json`; and, unless the model reads queries as features, the vocabulary whose ids the weights are
    made for.

    Args:
        kind: name of the system.
        checkpoint: the authors' file.
        words: their words with a vector, one a line, in the order of their ids from 2; None where the model
            reads queries as features.
        characters: their characters, likewise.
        choices: model options that no tensor tells, where they differ from the preset `reference`.
        out: the run's folder.

    Raises:
        ValueError: where a file is not what it should be; the message lists every fault.
    """
    state = read_state(checkpoint)
    try:
        system, sizes = find_system(kind).load_official(state, choices)
    except ValueError as error:
        raise ValueError(f"{checkpoint}: {error}") from error
    vocabulary = _read_vocabulary(checkpoint, sizes, words, characters)
    options = RunOptions.model_validate({"model": system.options, "training": {}, "selection_split": _SPLIT})
    made = {
        "seed": None,
        "device": None,
        "best_epoch": None,
        "imported": {"checkpoint": checkpoint.name, "sha256": sha256_of(checkpoint)},
        "libraries": library_versions(),
    }
    out.mkdir(parents=True, exist_ok=True)
    save_checkpoint(checkpoint_of(out, best_on(_SPLIT)), system.state_dict(), system.options, sizes)
    if vocabulary is not None:
        vocabulary.save(out / VOCABULARY)
    write_json(out / OPTIONS, {**options.model_dump(mode="json"), **made})


def _read_vocabulary(
    checkpoint: Path, sizes: Sizes, words: Path | None, characters: Path | None
) -> Vocabulary | None:
    """Reads the vocabulary of a checkpoint that reads words; one that reads features has none."""
    given = [path for path in (words, characters) if path is not None]
    if sizes.query_width is not None:
        if given:
            raise ValueError(
                f"{checkpoint}: reads queries as features of {sizes.query_width} values; expected no "
                f"vocabulary, found {', '.join(map(str, given))}"
            )
        return None
    if words is None or characters is None:
        raise ValueError(
            f"{checkpoint}: reads words; expected its words and its characters, found "
            f"{', '.join(map(str, given)) or 'neither'}"
        )
    vocabulary = Vocabulary(_read_lines(words), _read_lines(characters))
    # Padding and unknown, the first two ids, stand in no file.
    check_fit(checkpoint, sizes, words=len(vocabulary.words), characters=vocabulary.character_count)
    return vocabulary


def read_state(path: Path) -> dict[str, Tensor]:
    """Reads a state dict that `torch.save` wrote, alone or under a usual name among other things.

    Nothing in the file can run code.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no state dict, or more than tensors and plain values; the message names it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a checkpoint of the authors, found no file")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise ValueError(f"{path}: expected a file of tensors that torch.save wrote ({error})") from error
    for key in _KEYS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items())
    ):
        found = sorted(map(str, content)) if isinstance(content, Mapping) else type(content).__name__
        raise ValueError(
            f"{path}: expected a state dict, alone or under one of {', '.join(_KEYS)}, found {found}"
        )
    return {name: tensor.float() for name, tensor in content.items()}


def _read_lines(path: Path) -> tuple[str, ...]:
    """Reads the entries of a vocabulary, one a line."""
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in UTF-8, found something else ({error})") from error
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        if not line or line in seen:
            raise ValueError(
                f"{path}, line {number}: expected another entry of the vocabulary, found "
                f"{f'{line!r} again' if line else 'an empty line'}"
            )
        seen.add(line)
    return tuple(lines)
