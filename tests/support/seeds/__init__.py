"""Small valid files of every kind that the project reads, made in memory.

Each maker returns a list of ``Files``: the bytes of each file by its name. The reader is given the path of the first.
"""

Files = dict[str, bytes]
