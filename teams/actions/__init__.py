"""What people do about people: one function per verb, and the only writers on a person's behalf."""
