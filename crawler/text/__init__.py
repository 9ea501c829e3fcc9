"""Bytes of others into JSON, times and plain text."""
