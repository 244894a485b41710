"""The rewards that come with the package: one file each, named as in a reward set."""
