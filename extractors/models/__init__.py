"""Weights: found, checked, loaded, and run on a device."""
