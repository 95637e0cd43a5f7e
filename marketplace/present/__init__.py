"""How rows of the market are shown."""
