"""What is shown of runs: figures, timelines, pages, provenance, statistics."""
