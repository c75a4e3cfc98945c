"""Run the stages: in one process over SQLite (local), or in several over PostgreSQL (cluster)."""
