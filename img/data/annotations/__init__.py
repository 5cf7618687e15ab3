"""Annotation files of every format, read into queries."""
