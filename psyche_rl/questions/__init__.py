"""How questions are shown, and in which order their options stand."""
