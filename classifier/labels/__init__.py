"""Labelled posts: the corpus, and tweets of which only labels are kept."""
