"""Parts of the page as HTML. Everything that is filled in is escaped."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def tell_time(seconds: float, decimals: int = 1) -> str:
    """Returns a time as people write it: 0:03.2, 12:40.0, 1:02:03.5."""
    whole, part = divmod(round(seconds * 10**decimals), 10**decimals)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    clock = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return f"{clock}.{part:0{decimals}d}" if decimals else clock


_TEMPLATES = Environment(
    loader=PackageLoader("img.page.drawing", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["clock"] = tell_time


def render(template: str, **values: Any) -> str:
    """Fills in a template of this package."""
    return _TEMPLATES.get_template(template).render(**values)
