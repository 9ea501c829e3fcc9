"""Posts that people bring: tables, captures, archives, screenshots."""
