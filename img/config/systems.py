"""Settings of a dataset's system: those that differ from its preset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from extractors.faults import SettingsError
from img.models.options import SystemOptions
from img.models.registry import DEFAULT, SYSTEMS, SystemKind, find_system

SET_ELSEWHERE = {"max_clips": "inputs.max_clips", "max_words": "queries.max_words"}
"""Options of a system that stand under another key, because more than the system depends on them."""


@dataclass(frozen=True)
class SystemSettings:
    """A system in a configuration: options of one of the systems, told apart by `kind`.

    Attributes:
        written: the options that were given, which variants change one by one; the preset fills in the rest.
        options: all of them.
    """

    written: Mapping[str, Any] = field(compare=False)
    options: SystemOptions

    @staticmethod
    def of(written: Any) -> SystemSettings:
        """Checks a system's options.

        Raises:
            ValueError: naming the key of what is wrong.
        """
        if isinstance(written, SystemSettings):
            return written
        if not isinstance(written, Mapping):
            raise ValueError(f"expected options of a system, found {written!r:.200}")
        check_homes(written)
        kind = find_system(written.get("kind", DEFAULT)).options
        try:
            return SystemSettings(dict(written), kind.model_validate(dict(written)))
        except ValidationError as error:
            raise SettingsError.of(error, kind) from None

    def changed(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Gives the options that were given, with changes; of another system only the changes."""
        same = find_system(changes.get("kind", self.options.kind)) is find_system(self.options.kind)
        return {**(self.written if same else {}), **changes}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Says how pydantic checks and writes settings."""
        write = core_schema.plain_serializer_function_ser_schema(lambda settings: dict(settings.written))
        return core_schema.no_info_plain_validator_function(cls.of, serialization=write)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Gives the union of all systems' options."""
        return {"oneOf": [_describe_system(system, handler) for system in SYSTEMS.values()]}


def check_homes(written: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuses options that belong elsewhere; gives the others back.

    Raises:
        SettingsError: naming where.
    """
    faults = [(key, f"set {home} instead") for key, home in SET_ELSEWHERE.items() if key in written]
    if faults:
        raise SettingsError(faults)
    return written


def _describe_system(system: SystemKind, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    """Gives the JSON schema of one system's options; all but the default's are told by their kind."""
    schema = handler.resolve_ref_schema(handler(system.options.__pydantic_core_schema__))
    own = {key: option for key, option in schema["properties"].items() if key not in SET_ELSEWHERE}
    required = [] if system.name == DEFAULT else ["kind"]
    return {**schema, "title": system.name, "properties": own, "required": required}
