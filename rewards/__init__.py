"""Pure reward classes, usable without the rest of psyche-rl (no Ray, no torch)."""
