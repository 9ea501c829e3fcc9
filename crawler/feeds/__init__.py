"""RSS, Atom and JSON feeds into items, and items into posts that last."""
