"""The commands of ``psyche-rl bench``, one file each."""
