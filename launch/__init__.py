"""The command line and the wiring of stages to actors."""
