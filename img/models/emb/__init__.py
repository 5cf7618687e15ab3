"""The system EMB (ECCV 2022): moments with elastic boundaries."""
