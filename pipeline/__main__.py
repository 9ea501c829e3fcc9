"""`python -m pipeline` is `netra`."""

from pipeline.cli import main

main()
