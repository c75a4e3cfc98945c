"""The optional language model: its endpoint or answer file, its prompts, its exam, and the questions to it."""
