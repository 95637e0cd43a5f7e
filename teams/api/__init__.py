"""The REST door of people: me, tokens, users, teams, members, the audit trail."""
