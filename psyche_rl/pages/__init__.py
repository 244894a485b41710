"""What all HTML pages share: how their templates are filled in, and their colours in light and dark."""
