"""Whole journeys through the real application: real HTTP, real database, real channel protocol."""
