"""The list of kinds.

Nothing here imports torch or a decoder. A new kind is one folder in `kinds/`, with a module of its parameters
and one of its network, and one line in `KINDS`. The kind `imported` has no network: it takes arrays made
elsewhere (`extractors.importing.intake`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from extractors.faults import SettingsError
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
            prepare="extractors.kinds.sentence.network:prepare",
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
        raise SettingsError.of(error, kind.parameters) from None
    if isinstance(parameters, ImportedParameters):
        kind = replace(kind, modality=parameters.modality)
    return kind, parameters


@dataclass(frozen=True)
class ExtractorSettings:
    """One extractor in a configuration: settings of one of the kinds, told apart by `kind`.

    Attributes:
        written: `{kind: ..., preset: ..., ...}` as it was given; what it is written as again.
        kind: its kind.
        parameters: its complete parameters, the preset expanded.
    """

    written: Mapping[str, Any] = field(compare=False)
    kind: Kind
    parameters: KindParameters

    @staticmethod
    def of(written: Any) -> ExtractorSettings:
        """Checks settings; see `parse`.

        Raises:
            ValueError: see `parse`, and where they are no mapping.
        """
        if isinstance(written, ExtractorSettings):
            return written
        if not isinstance(written, Mapping):
            raise ValueError(f"expected a kind and its parameters, found {written!r:.200}")
        return ExtractorSettings(dict(written), *parse(dict(written)))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Says how pydantic checks and writes settings."""
        write = core_schema.plain_serializer_function_ser_schema(lambda settings: dict(settings.written))
        return core_schema.no_info_plain_validator_function(cls.of, serialization=write)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Gives the union of all kinds' settings."""
        return {"oneOf": [_describe_kind(kind, handler) for kind in KINDS.values()]}


def _describe_kind(kind: Kind, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    """Gives the JSON schema of one kind's settings: its parameters, and what `parse` takes beside them."""
    schema = handler.resolve_ref_schema(handler(kind.parameters.__pydantic_core_schema__))
    own: JsonSchemaValue = {"kind": {"const": kind.name, "description": "Name of the extractor's kind."}}
    if presets := sorted(kind.parameters.presets):
        own["preset"] = {"enum": presets, "description": "A published recipe."}
    return {
        **schema,
        "title": kind.name,
        "properties": {**own, **schema["properties"]},
        "required": ["kind", *schema.get("required", [])],
    }
