"""One platform, one file; no file knows another."""
