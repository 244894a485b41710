"""What became of each row: outcomes, blocks, and the accounting that must add up."""
