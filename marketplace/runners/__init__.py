"""What a worker does for each kind of operation of the market."""
