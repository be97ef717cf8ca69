"""Benches of bulk jobs: records out to files, and in from one, against COPY of the same rows."""
