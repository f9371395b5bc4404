"""Time and memory of steps, fits and single functions, compared with other libraries."""
