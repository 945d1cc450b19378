"""Many photos: where their outputs go, which are done, and the run itself.

``outputs.py`` names the files of each photo, ``journal.py`` says what is done, ``run.py`` does the rest.
"""
