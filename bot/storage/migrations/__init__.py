"""The schema's history: one file a step, the same for every database."""
