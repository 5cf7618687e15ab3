"""One trained run: training, evaluation, summary."""
