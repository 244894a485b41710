"""Places for actors on a live Ray cluster, by a plan that was made before."""
