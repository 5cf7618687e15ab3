"""Media files: decoded, sampled, cut into windows and batched."""
