"""Speech to text by Whisper.

Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", by transformers. Its
segments have the times of the authors' code where all of the sound is given, with its mask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch

from extractors.kinds.speech.parameters import SpeechParameters
from extractors.media.audio import read_audio
from extractors.media.audio_windows import stretches
from extractors.media.sampling import Window
from extractors.models.model_folders import load_model, load_processor
from extractors.models.network import number_format
from extractors.storage.texts import Text

EXTRA = "speech"
_PART_SECONDS = 30
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


class Segment(NamedTuple):
    """A part of the sound, in seconds, and the tokens of what is said in it."""

    start: float
    end: float
    tokens: list[int]


def windows(path: Path, parameters: SpeechParameters, decoder: str) -> Iterator[Window]:
    """Cuts a media file's sound into parts of 30 s, the last one shorter; the kind's reader.

    Args:
        path: the media file.
        parameters: of the extractor.
        decoder: name of the decoder; sound has only one.

    Yields:
        Windows of samples float32 [S], which together are all of the sound.

    Raises:
        MediaError: if the file has no sound or cannot be decoded, which may show after some windows.
    """
    rate = parameters.sample_rate
    length = _PART_SECONDS * rate
    parts = iter(range(0, 2**62, length))
    for start, sound in stretches(read_audio(path, rate), length, parts):
        yield Window(sound, start / rate, (start + len(sound)) / rate)


class Transcriber:
    """Whisper, which writes down what is said in a whole sound at a time.

    The scale of its spectra depends on the loudest moment of the whole sound, and where one part ends decides
    where the next begins. So all of a video's sound is held: 230 MB an hour, and half of that in spectra.
    """

    windows_at_once = None
    """A whole video."""
    facts = MappingProxyType[str, Any]({})

    def __init__(self, parameters: SpeechParameters, device: str) -> None:
        """Loads the model.

        Raises:
            FileNotFoundError: if there is no such folder.
            ModuleNotFoundError: if transformers is not installed.
            ValueError: if the folder is refused, or its model does not write times or know the language.
        """
        folder = parameters.weights
        self._parameters = parameters
        self._device = torch.device(device)
        self._model = load_model("WhisperForConditionalGeneration", folder, EXTRA, parameters.weights_sha256)
        self._model.to(self._device)
        self._front = load_processor("WhisperFeatureExtractor", folder, EXTRA)
        self._tokeniser = load_processor("WhisperTokenizer", folder, EXTRA)
        self._options = {**_decoding(parameters), **_language(parameters, self._model.generation_config)}

    def write(self, windows: Sequence[Window]) -> list[Text]:
        """Writes down what is said: segments with their seconds, which end with the sound."""
        samples = np.concatenate([window.data for window in windows])
        seconds = len(samples) / self._parameters.sample_rate
        texts = []
        for segment in self.segments(samples):
            words = self._tokeniser.decode(segment.tokens, skip_special_tokens=True).strip()
            # The decoder's times may pass the end of the sound.
            if words and segment.start < seconds:
                texts.append(Text(segment.start, min(max(segment.end, segment.start), seconds), words))
        return texts

    def segments(self, samples: np.ndarray) -> list[Segment]:
        """Finds the segments of samples [S] at 16 kHz; times may pass their end."""
        # The front end's defaults pad or cut to 30 s: sound beyond is lost, shorter sound is taken for 30 s.
        inputs = self._front(
            samples,
            sampling_rate=self._parameters.sample_rate,
            return_tensors="pt",
            truncation=False,
            padding="longest",
            return_attention_mask=True,
        ).to(self._device)
        devices = [self._device] if self._device.type == "cuda" else []
        with (
            torch.inference_mode(),
            torch.random.fork_rng(devices),
            number_format(self._device, self._parameters.precision == "bfloat16"),
        ):
            torch.manual_seed(self._parameters.seed)
            found = self._model.generate(
                inputs["input_features"], attention_mask=inputs["attention_mask"], **self._options
            )
        return [
            Segment(float(segment["start"]), float(segment["end"]), segment["tokens"].tolist())
            for segment in found["segments"][0]
        ]


def _decoding(parameters: SpeechParameters) -> dict[str, Any]:
    options: dict[str, Any] = {"return_timestamps": True, "return_segments": True, "num_beams": 1}
    options["condition_on_prev_tokens"] = parameters.condition_on_previous
    if parameters.max_new_tokens is not None:
        options["max_new_tokens"] = parameters.max_new_tokens
    if parameters.decoding == "greedy":
        return {**options, "do_sample": False, "temperature": 0.0}
    return {
        **options,
        "temperature": _TEMPERATURES,
        "compression_ratio_threshold": parameters.compression_ratio_threshold,
        "logprob_threshold": parameters.log_probability_threshold,
        "no_speech_threshold": parameters.no_speech_threshold,
    }


def _language(parameters: SpeechParameters, generation: Any) -> dict[str, Any]:
    """Gives the options of language and task, which a model of English alone does not take."""
    if getattr(generation, "no_timestamps_token_id", None) is None:
        raise ValueError(
            f"{parameters.weights}: expected a generation_config.json with no_timestamps_token_id, "
            "without which no times are written, found none; fetch the whole folder"
        )
    if not getattr(generation, "is_multilingual", False):
        if (parameters.language, parameters.task) != ("en", "transcribe"):
            raise ValueError(
                f"{parameters.weights}: expected language: en and task: transcribe, as the model knows "
                f"English alone, found {parameters.language} and {parameters.task}"
            )
        return {}
    known = getattr(generation, "lang_to_id", {})
    if f"<|{parameters.language}|>" not in known:
        raise ValueError(f"language: expected one of {sorted(known)}, found {parameters.language!r}")
    return {"language": parameters.language, "task": parameters.task}


def build(parameters: SpeechParameters, device: str) -> Transcriber:
    """Builds the writer; see `Transcriber`."""
    return Transcriber(parameters, device)
