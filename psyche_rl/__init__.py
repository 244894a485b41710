"""The pure core of psyche-rl: config, records, run store, learning, loops, evaluation, report.

Knows no Ray (``actors`` does) and no command line (``launch`` does). Importing this package is
light on purpose: torch, transformers and verl are imported by the modules that use them.
"""

__version__ = "0.1.0"
