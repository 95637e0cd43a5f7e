"""The edge to image registries, and the pure modules that read what they say."""
