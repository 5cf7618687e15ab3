"""EVA-CLIP's image tower."""
