"""Rows of texts."""
