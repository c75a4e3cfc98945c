"""Grouping, and what is new in a story."""
