"""The books of a training run: what was asked for and what became of it, counted by who saw it.

``entry`` is a line, ``balance`` the sums, ``book`` adds lines up and finds what is wrong, ``ledger_files``
keeps them in the run folder, ``ledger`` is what a loop speaks to.
"""
