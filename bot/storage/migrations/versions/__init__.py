"""The migrations. Their numbers give the order."""
