"""Benches of charge lines that are kept for years: hot questions, however many lines there are."""
