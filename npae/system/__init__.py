"""Files, processes, interrupts, progress and text tables."""
