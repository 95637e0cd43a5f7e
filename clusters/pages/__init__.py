"""Pages of teams with their environments, and of applications with their components, events and records."""
