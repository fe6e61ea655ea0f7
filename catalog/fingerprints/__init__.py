"""Fingerprints: what is kept of a tensor's values, so that they are known again in another container or precision."""
