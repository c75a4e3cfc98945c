"""Schedule the stages in one process over SQLite (local), or in several processes over PostgreSQL (cluster)."""
