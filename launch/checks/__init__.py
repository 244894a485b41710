"""What is looked at before anything is paid for, and what `psyche-rl doctor` tries."""
