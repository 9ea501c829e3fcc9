"""Public pages into posts: selectors, JSON-LD, microdata, OpenGraph."""
