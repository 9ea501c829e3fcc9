"""The formal report: its content as data, and the forms in which it is written."""
