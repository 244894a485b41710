"""What goes wrong in training, told by name from the curves: ``rules`` decide, ``raised`` says when."""
