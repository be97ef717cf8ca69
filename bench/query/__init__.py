"""What the query language costs: queries that clients send, beside the same written by hand."""
