"""From texts to questions, rationales and replies, step by step."""
