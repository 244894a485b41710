"""Trackers: what a run tells TensorBoard, Weights & Biases and MLflow, and how it gets there.

``run_tracking`` is told by the run, ``tracker_thread`` is a thread for each tracker, ``outbox`` has the order
and the counts; ``tracker`` is the protocol of the three adapters.
"""

from psyche_rl.tracking.run_tracking import RunTracking

__all__ = ["RunTracking"]
