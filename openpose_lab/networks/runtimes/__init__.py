"""Runtimes: libraries that execute a network, behind one small protocol."""
