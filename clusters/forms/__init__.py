"""The forms of those pages; their fields have the names of the actions and the API."""
