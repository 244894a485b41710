"""Which questions are hard, which keys are doubtful, and the training sets that follow."""
