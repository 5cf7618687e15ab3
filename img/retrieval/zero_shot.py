"""A run that nobody trained: what a frame shows, by name, compared with the words of the query."""

from __future__ import annotations

from pathlib import Path

from extractors.jobs.extraction import identify
from extractors.parameters import Parameters
from extractors.registry import parse
from extractors.storage.files import write_json
from extractors.storage.libraries import library_versions
from extractors.storage.packaged import EFFICIENTNET_LITE0, GLOVE_WEIGHTED, GLOVE_WIDTH
from img.config.dataset import InputOptions
from img.config.protocols import LAST, checkpoint_of
from img.config.runs import RunOptions
from img.data.text.vocabulary import VOCABULARY, Vocabulary
from img.models.checkpoint import build_system, save_checkpoint
from img.models.sizes import Sizes
from img.retrieval.retriever import Retriever, user_cache
from img.runs.folder import OPTIONS, READS

EMBEDDING = GLOVE_WEIGHTED
"""Whose vectors the query's words have."""

_STREAM = "visual"
_EXTRACTOR = {"kind": "image", "output": "words", "clip_seconds": 0.5}


def open_zero_shot(store: Path | str | None = None, device: str = "cpu") -> Retriever:
    """Opens a retriever without a run of your own; its run is written into the user's cache.

    Args:
        store: where arrays of encoded videos are kept; see `img.retrieval.retriever.default_store`.
        device: "cpu" or "cuda".

    Raises:
        ValueError: a package of the extra `pretrained` is missing.
    """
    return Retriever.open(write_zero_shot_run(user_cache() / "zero_shot"), store, device, EMBEDDING)


def write_zero_shot_run(folder: Path) -> Path:
    """Writes a run's folder, which a retriever opens as any other, with the embedding `EMBEDDING`.

    Its extractor is EfficientNet-Lite0 of the extra `pretrained`, whose classes' names lie among GloVe's
    words; its system is `similarity`.

    Args:
        folder: the folder; what it holds of an earlier one is written anew.

    Returns:
        The folder.

    Raises:
        ValueError: a package of the extra is missing.
    """
    kind, parameters = parse(dict(_EXTRACTOR))
    assert isinstance(parameters, Parameters)
    options = RunOptions.model_validate(
        {"model": {"kind": "similarity", "compared": [_STREAM]}, "training": {}, "selection_split": "none"}
    )
    sizes = Sizes({_STREAM: GLOVE_WIDTH}, words=0, word_width=GLOVE_WIDTH, characters=0)
    folder.mkdir(parents=True, exist_ok=True)
    system = build_system(options.model, sizes)
    save_checkpoint(checkpoint_of(folder, LAST), system.state_dict(), options.model, sizes)
    Vocabulary((), ()).save(folder / VOCABULARY)
    part = {
        "name": kind.name,
        "extractor": identify(kind, parameters.located()),
        "file_names": {"weights": Path(EFFICIENTNET_LITE0.file).name},
        "width": GLOVE_WIDTH,
        "scale": parameters.scale,
    }
    write_json(
        folder / READS,
        {
            "streams": {_STREAM: [part]},
            "merges": {},
            "align": {},
            "options": InputOptions().model_dump(mode="json"),
            "standardisation": {},
        },
    )
    made = {"seed": 0, "device": "cpu", "libraries": library_versions()}
    write_json(folder / OPTIONS, {**options.model_dump(mode="json"), **made})
    return folder
