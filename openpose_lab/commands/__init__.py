"""The programs, thin: each parses its options, calls the library and prints.

A file with a function ``main`` in this folder is a subcommand of ``openpose-lab``.
"""
