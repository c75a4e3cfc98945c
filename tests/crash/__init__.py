"""The real process, killed at any moment, against real local servers."""
