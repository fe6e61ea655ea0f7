"""Which id a file answers to: given at its header, kept when it moves, united when contents or tensors are equal.

The order of locks, the same for everyone who writes here: digests (`joining.hold`), then models by id, then variants by
number, then locations by number.
"""
