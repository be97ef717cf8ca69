"""Rating: which price counts for what is charged, and what the charge comes to."""
