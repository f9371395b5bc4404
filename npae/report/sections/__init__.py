"""The sections of the report: each file is one, placed by its ORDER."""
