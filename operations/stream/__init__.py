"""Event streams: what rows say, sent as it is written."""
