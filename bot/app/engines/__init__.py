"""What runs the stages: one process over SQLite (local), or a share of a cluster over PostgreSQL (cluster)."""
