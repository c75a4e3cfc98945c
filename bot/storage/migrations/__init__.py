"""The schema's migrations, with one file for each. SQLite and PostgreSQL use the same files."""
