"""The console under Docker Compose: secrets made once, a registry with TLS, a proxy that routes the event streams."""
