"""One file for each page: its address, who may see it, and what it reads and changes."""
