"""Runtimes: what executes a network behind one small protocol."""
