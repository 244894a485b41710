"""Policies of an elastic fleet: pure state machines that decide, while a pool in ``actors`` carries out."""
