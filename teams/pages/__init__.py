"""Pages of people: users, access tokens, and the trail of what they did."""
