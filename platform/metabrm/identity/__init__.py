"""Who is acting: users, roles, API sessions, and the context every verb is given."""
