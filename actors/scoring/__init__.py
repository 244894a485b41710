"""Scoring in processes that can be killed.

- ``scheduler`` decides, purely: which process gets which sample, when one is ended, how many there are;
- ``process_pool`` carries that out, with processes that ``fork_server`` forks and ``worker_main`` runs in;
- ``pool`` puts a process pool into a Ray actor, ``launch.servers.rewards`` behind HTTP, and ``local`` into
  a command; only ``pool`` and ``named_pools`` know Ray.
"""
