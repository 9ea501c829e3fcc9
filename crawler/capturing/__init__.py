"""From a flag to a capture: a guarded browser, one process a page."""
