"""Annotations and feature arrays in; trained systems, predictions, metrics and tables out."""

from extractors import __version__

__all__ = ["__version__"]
