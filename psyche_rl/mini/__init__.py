"""The mini world: a small, honest stand-in where no model weights can be downloaded.

It makes what a real run would be given: texts, a held-out exam, a teacher server, a base model and
three selectors. The pipeline does not know that they are stand-ins.
"""
