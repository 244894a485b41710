"""Stage clean: what is taken out of texts and conversations, which rows are left out, and the counts."""
