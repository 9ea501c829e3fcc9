"""One platform, one file; `parse_posts` turns saved bytes into posts without I/O."""
