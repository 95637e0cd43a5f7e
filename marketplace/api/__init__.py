"""The REST door of the market."""
