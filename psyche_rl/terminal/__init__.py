"""What is printed for a person: text of data cannot steer the terminal that shows it."""
