"""Selectors answer questions: on the cluster's engines or at an endpoint."""
