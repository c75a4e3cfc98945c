"""Fuzzing of everything that reads strangers' bytes: ``make fuzz``, or ``python -m tests.fuzz --help``."""
