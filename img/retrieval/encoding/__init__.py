"""A video, extracted and laid out as a run reads it."""
