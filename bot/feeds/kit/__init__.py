"""Helpers that several kinds of source share; plug-ins may use them."""
