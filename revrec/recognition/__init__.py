"""Revenue contracts, and what recognises revenue under them."""
