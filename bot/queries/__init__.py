"""The questions about the archive, answered in one place for the CLI, the API, the assistant tools and the pages.

parameters → questions (reads the store) → documents
"""
