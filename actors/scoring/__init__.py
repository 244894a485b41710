"""Scoring in processes that can be killed: the bench of processes, its policy, and what runs inside.

Nothing here knows Ray: ``actors.scoring.pool`` puts a bench into an actor, ``launch.servers.rewards`` behind
HTTP.
"""
