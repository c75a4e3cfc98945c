"""Gather all coverage of one event in a story, and find the news in it."""
