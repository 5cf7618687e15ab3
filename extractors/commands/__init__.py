"""The commands of `python -m extractors`, a module each."""
