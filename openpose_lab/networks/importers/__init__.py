"""Reading trained weights out of the forms they are published in, one file each. Nothing is executed.

Every importer has ``FORM``, what to call the form; ``recognises(path, head)``, which looks at what is in the
file, whatever its name; and ``read(path)``, which gives ``TrainedWeights`` or raises OpenPoseLabError with
what is wrong, to be put after the file's name.
"""
