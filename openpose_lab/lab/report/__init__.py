"""The report that students hand in: measured and drawn by the program, explained by the student."""
