"""The system TEA (Pattern Recognition 2025): moments by clips and by what a narrator says of them."""
