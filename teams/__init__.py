"""Who: enterprises, users, teams and their members, rights, tokens and the audit trail."""
