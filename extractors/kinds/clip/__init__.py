"""CLIP's image tower."""
