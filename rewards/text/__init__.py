"""When two texts are the same: canonical form and phrases."""
