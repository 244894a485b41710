"""The local HTTP servers: the review page and the reward server."""
