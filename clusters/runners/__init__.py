"""What workers do for this app: one runner per kind of operation."""
