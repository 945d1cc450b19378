"""What the programs of the lab share: running a merge at a safe distance, and judging what it answers."""
