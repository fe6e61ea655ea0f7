"""Matching: two fingerprints, or two files, and what the one is to the other, with evidence tensor by tensor."""
