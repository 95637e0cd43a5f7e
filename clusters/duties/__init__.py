"""What recurs: asking each cluster whether it answers, and looking at what runs there."""
