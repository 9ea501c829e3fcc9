"""What the connectors of single platforms are made of; `crawler.sources` has one file for each."""
