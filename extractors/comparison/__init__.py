"""Two collections of feature arrays held against each other."""
