"""Benches of usage: files in, rated lines out, against COPY of the finished lines."""
