"""Importance-aware multi-granularity fusion of two streams, for any host."""
