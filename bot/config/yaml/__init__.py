"""YAML read with its places, checked against a shape, and its problems shown where they are."""
