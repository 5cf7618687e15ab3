"""Sentences: the queries table, words and their vectors, and features in their place."""
