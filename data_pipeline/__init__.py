"""Ray Data jobs: ingest, clean, questions, rationales, empathy, cross-selection."""
