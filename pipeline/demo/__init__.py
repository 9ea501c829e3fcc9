"""An invented regency to try Netra on: people, posts, and a public square that serves them over real protocols."""
