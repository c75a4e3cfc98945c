"""One feed's pass through the stages, over ports only. Knows no library, no database and no channel."""
