"""Ways to run the console and what it works with; the console itself imports nothing of this."""
