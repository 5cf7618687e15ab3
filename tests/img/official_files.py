"""A checkpoint as the authors write them, made by formula for a small vocabulary, and the files beside it."""

from pathlib import Path

import numpy as np
import torch

from img.data.text.vocabulary import Vocabulary

PARAMETERS = Path(__file__).parents[1] / "golden" / "img_official_parameters.tsv"


def official_state(
    visual: int, audio: int, words: int, characters: int, clips: int = 128
) -> dict[str, torch.Tensor]:
    """All 479 tensors in the shapes of the authors' table, but for the sizes given.

    Args:
        visual: Dv.
        audio: Da.
        words: with a vector, padding and unknown not counted.
        characters: padding and unknown not counted.
        clips: most clips of a video.
    """
    rng = np.random.default_rng(0)
    other = {"video_affine": (1024, visual), "audio_affine": (2048, audio)}
    state = {}
    for line in PARAMETERS.read_text().splitlines()[1:]:
        name, size = line.split("\t")[:2]
        shape = [int(length) for length in size.split("x")]
        if name.endswith("glove_vec"):
            shape[0] = words
        elif name.endswith("char_emb.weight"):
            shape[0] = characters + 2
        elif name.endswith("position_embeddings.weight"):
            shape[0] = clips
        elif name.split(".")[0] in other and name.endswith("weight"):
            old, new = other[name.split(".")[0]]
            shape[shape.index(old)] = new
        state[name] = torch.from_numpy(0.1 * rng.standard_normal(shape).astype(np.float32))
    state["feature_encodera.pe.pe"] = state["feature_encoderv.pe.pe"].clone()
    return state


def official_state_of_features(visual: int, audio: int, query: int) -> dict[str, torch.Tensor]:
    """The same for their model that reads queries as features [N, query]: two projections, no embeddings."""
    rng = np.random.default_rng(1)
    state = {
        name: tensor
        for name, tensor in official_state(visual, audio, 1, 1).items()
        if not name.startswith("word_embedding")
    }
    for side in "va":
        for name, shape in (("weight", (128, query, 1)), ("bias", (128,))):
            values = torch.from_numpy(0.1 * rng.standard_normal(shape).astype(np.float32))
            state[f"text_affine{side}.linear.conv1d.{name}"] = values
    return state


def write_vocabulary(folder: Path, vocabulary: Vocabulary) -> list[str]:
    """Writes the words and characters one a line; returns the options that name the files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "words.txt").write_text("\n".join(vocabulary.words) + "\n")
    (folder / "chars.txt").write_text("\n".join(vocabulary.characters) + "\n")
    return ["--words", str(folder / "words.txt"), "--chars", str(folder / "chars.txt")]
