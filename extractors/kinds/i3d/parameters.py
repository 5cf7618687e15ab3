"""Settings of Inception I3D."""

from __future__ import annotations

from typing import Any, ClassVar

from extractors.parameters import FrameParameters


class I3DParameters(FrameParameters):
    """Inception I3D (Carreira & Zisserman 2017), in the recipes the field's features were made with."""

    widths: ClassVar[tuple[int, ...]] = (1024,)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "charades": {"frame_rate": 24, "window": 24, "stride": 24, "shorter_side": 226, "shrink": False},
        "activitynet": {"frame_rate": None, "window": 16, "stride": 16, "shorter_side": 224, "shrink": True},
    }
