"""A run as it is at this moment, read from its folder: ``picture`` reads, ``told`` words it."""
