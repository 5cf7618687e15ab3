"""The systems, and what training and evaluation know of them."""
