"""Media in, feature arrays out. Knows nothing of datasets, queries, models or Snakemake."""

__version__ = "0.1.0"
