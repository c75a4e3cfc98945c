"""Every question that can be asked of the archive, once. The CLI, the API, the assistant tools and the pages are views.

parameters → questions (reads the store) → documents
"""
