"""What the pages show, read in a fixed number of statements however long the list is."""
