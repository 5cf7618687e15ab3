"""EfficientNet-Lite0."""
