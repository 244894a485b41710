"""Calls to LLMs from the cluster: the client as an actor, and engines in place of a server."""
