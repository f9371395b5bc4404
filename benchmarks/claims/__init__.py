"""Claims of the text in numbers, without timing."""
