"""The classifier inside other people's tools."""
