"""From a target to posts, from a flag to a capture."""
