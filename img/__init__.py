"""Annotations and feature arrays in; trained systems, predictions, metrics and tables out."""
