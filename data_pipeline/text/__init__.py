"""Pure rules over text: folding, punctuation, redundancy, symbols, spans, question rules."""
