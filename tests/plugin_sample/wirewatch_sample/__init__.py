"""A channel and a source for Wirewatch."""
