"""Scripts for developers, not installed."""
