"""The list of kinds.

Nothing here imports torch or a decoder. A new kind is one folder in `kinds/`, with a module of its parameters
and one of its network, and one line in `KINDS`. The kind `imported` has no network: it takes arrays made
elsewhere (`extractors.importing.intake`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from extractors.faults import describe
from extractors.kind import Kind
from extractors.kinds.clap.parameters import ClapParameters
from extractors.kinds.clip.parameters import ClipImageParameters
from extractors.kinds.eva_clip.parameters import EvaClipParameters
from extractors.kinds.i3d.parameters import I3DParameters
from extractors.kinds.i3d_r50.parameters import I3DR50Parameters
from extractors.kinds.image.parameters import EfficientNetParameters
from extractors.kinds.imported.parameters import ImportedParameters
from extractors.kinds.pann.parameters import PannParameters
from extractors.kinds.sentence.parameters import SentenceParameters
from extractors.kinds.slowfast.parameters import SlowFastParameters
from extractors.kinds.speech.parameters import SpeechParameters
from extractors.kinds.vggish.parameters import VggishParameters
from extractors.kinds.yamnet.parameters import YamnetParameters
from extractors.parameters import KindParameters, Modality

_FRAMES = "extractors.media.video:frame_windows"
_FRAME_DECODERS = ("decord", "pyav")
# Of one frame in many: PyAV converts only those that are used.
_SPARSE_FRAME_DECODERS = ("pyav", "decord")
_SOUND = "extractors.media.audio_windows:audio_windows"
_SOUND_DECODERS = ("pyav",)
_YAMNET = "extractors.kinds.yamnet.network:windows"


def _kind(
    name: str,
    modality: Modality,
    parameters: type[KindParameters],
    reader: str,
    decoders: tuple[str, ...],
    code_version: int,
) -> Kind:
    network = f"extractors.kinds.{name}.network:build"
    return Kind(name, modality, parameters, network, reader, decoders, code_version)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind("i3d", "visual", I3DParameters, _FRAMES, _FRAME_DECODERS, 2),
        _kind("i3d_r50", "visual", I3DR50Parameters, _FRAMES, _FRAME_DECODERS, 2),
        _kind("clip", "visual", ClipImageParameters, _FRAMES, _SPARSE_FRAME_DECODERS, 1),
        _kind("eva_clip", "visual", EvaClipParameters, _FRAMES, _SPARSE_FRAME_DECODERS, 1),
        _kind("slowfast", "visual", SlowFastParameters, _FRAMES, _FRAME_DECODERS, 1),
        _kind("image", "visual", EfficientNetParameters, _FRAMES, _SPARSE_FRAME_DECODERS, 1),
        _kind("pann", "audio", PannParameters, _SOUND, _SOUND_DECODERS, 2),
        _kind("yamnet", "audio", YamnetParameters, _YAMNET, _SOUND_DECODERS, 1),
        _kind("clap", "audio", ClapParameters, "extractors.kinds.clap.network:windows", _SOUND_DECODERS, 1),
        _kind(
            "vggish",
            "audio",
            VggishParameters,
            "extractors.kinds.vggish.network:windows",
            _SOUND_DECODERS,
            2,
        ),
        Kind(
            "speech",
            "audio",
            SpeechParameters,
            "extractors.kinds.speech.network:build",
            "extractors.kinds.speech.network:windows",
            _SOUND_DECODERS,
            1,
            gives="texts",
        ),
        Kind(
            "sentence",
            "text",
            SentenceParameters,
            "extractors.kinds.sentence.network:build",
            "extractors.kinds.sentence.network:windows",
            ("json",),
            1,
            reads="texts",
        ),
        Kind("imported", "visual", ImportedParameters, "", "", (), 1),
    )
}


def reads_texts(kind: str) -> bool:
    """Tells whether a kind reads texts in the place of media; false of one that is not known here."""
    return kind in KINDS and KINDS[kind].reads == "texts"


def parse(settings: dict[str, Any]) -> tuple[Kind, KindParameters]:
    """Checks one extractor's settings, `{kind: ..., preset: ..., ...}`.

    Args:
        settings: the kind, optionally a preset, and the kind's parameters.

    Returns:
        The kind and its complete parameters, the preset expanded.

    Raises:
        ValueError: on an unknown kind, key, preset or value; the message names the key.
    """
    settings = dict(settings)
    name = settings.pop("kind", None)
    if name not in KINDS:
        raise ValueError(f"kind: expected one of {sorted(KINDS)}, found {name!r}")
    kind = KINDS[name]
    try:
        parameters = kind.parameters.model_validate(settings)
    except ValidationError as error:
        raise ValueError(describe(error, kind.parameters)) from None
    if isinstance(parameters, ImportedParameters):
        kind = replace(kind, modality=parameters.modality)
    return kind, parameters
