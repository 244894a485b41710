"""Planning who sits where on a cluster, and what it holds there, before anything is loaded. No Ray, no torch.

- ``cluster_shape``: what there is. ``model_size``: what a model weighs. ``memory``: what each process holds.
- ``counts``: from ``auto`` to numbers. ``seating``, ``reservations``: who sits with whom, and where.
- ``planner``: all of it for a stage, or a refusal in one line. ``table``: the plan to be read.
"""
