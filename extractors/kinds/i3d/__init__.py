"""Inception I3D."""
