"""The process that speaks to servers and parses what they send; it has neither database nor keys."""
