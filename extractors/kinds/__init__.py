"""The kinds, a folder each: parameters (no torch) beside the network, and a reader where it needs its own."""
