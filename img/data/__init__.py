"""From annotations and arrays to batches."""
