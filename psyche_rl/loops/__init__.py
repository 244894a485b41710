"""The training loops, written against protocols; they know no Ray."""
