"""Clips: features read, aligned, standardised and assembled into what a model reads of a video."""
