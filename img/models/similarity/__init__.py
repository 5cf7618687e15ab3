"""Similarity: an answer without any training."""
