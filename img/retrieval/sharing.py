"""A run as a folder to share: one safetensors file, JSON beside it, and a model card. No pickle."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

from extractors.storage.files import read_json, temporary_beside, write_json, write_text, writing
from img import __version__
from img.config.base import read_yaml
from img.config.protocols import choose_protocol
from img.data.text.vocabulary import VOCABULARY
from img.retrieval.card import write_card
from img.runs.folder import CONFIG, METRICS, WEIGHTS
from img.runs.opening import FORMAT, Run

CARD = "README.md"
_DATASETS = Path("config/datasets")


def export(run: Run, out: Path, protocol: str | None = None, simulated: bool = False) -> None:
    """Writes a run as a folder that model hubs take.

    It holds `model.safetensors`, `config.json`, `README.md`, and `vocabulary.json` where the run reads words.
    The weights of extractors are not among it: `config.json` names them by hash and file name.

    Args:
        run: the run.
        out: the folder to make.
        protocol: whose weights; by default the last.
        simulated: the run's data is made up, and the card says so. Known where the dataset's file is here.

    Raises:
        ValueError: the run has no weights of the protocol, or there is something at `out`.
    """
    chosen = protocol or choose_protocol(run.protocols)
    if chosen not in run.weights:
        raise ValueError(f"protocol: expected one of {run.protocols}, found {chosen!r}")
    if out.exists():
        raise ValueError(f"{out}: expected nothing there, found a file or folder; remove it, or name another")
    metrics = read_json(run.folder / METRICS) if (run.folder / METRICS).is_file() else {}
    simulated = simulated or _is_simulated(metrics.get("dataset"))
    temporary = temporary_beside(out)
    try:
        with writing(out):
            temporary.mkdir(parents=True)
            shutil.copyfile(run.weights[chosen], temporary / WEIGHTS)
            if run.vocabulary is not None:
                run.vocabulary.save(temporary / VOCABULARY)
            config = {
                "format": FORMAT,
                "library_version": __version__,
                "simulated": simulated,
                "protocol": chosen,
                "run": dict(run.made),
                "sizes": asdict(run.sizes),
                "inputs": dict(run.reads),
                "inference": run.inference.model_dump(mode="json"),
            }
            write_json(temporary / CONFIG, config)
            write_text(temporary / CARD, write_card(run, chosen, metrics, simulated))
            temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _is_simulated(dataset: str | None) -> bool:
    """Says whether the project's configuration calls a dataset made up."""
    path = _DATASETS / f"{dataset}.yaml"
    return path.is_file() and bool(read_yaml(path).get("simulated"))
