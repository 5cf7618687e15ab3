"""What a run's folder holds. Its checkpoints are named by `img.config.protocols`."""

from __future__ import annotations

OPTIONS = "options.json"
"""Options of system and training, seed, device, epochs chosen, library versions."""

QUERY_ENCODER = "query_encoder"
"""Key of the options' file: the text encoder that made the features of queries, its folder by its hash."""

READS = "inputs.json"
"""What the run reads: its streams and how they were made, options of the inputs, their standardisation."""

HISTORY = "history.csv"
"""A row of losses and metrics for each epoch."""

EVENTS = "events"
"""Folder of TensorBoard's events."""

PREDICTIONS = "predictions.parquet"
"""Answers to every evaluated query."""

METRICS = "metrics.json"
"""What the answers are worth."""

CONFIG = "config.json"
"""Of an exported run: what the files above say that a further video and sentence need."""

WEIGHTS = "model.safetensors"
"""Of an exported run: the weights of one protocol."""
