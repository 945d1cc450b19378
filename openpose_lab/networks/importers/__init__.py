"""Importers: they read trained weights of every published form, one module per form. They execute nothing.

Every importer has three names:

- ``FORM``: the name of the form.
- ``recognises(path, head)``: returns whether a file has this form. It looks at the content, not at the file's name.
- ``read(path)``: returns ``TrainedWeights``. If the file is damaged, it raises OpenPoseLabError. The message continues
  a sentence that begins with the file's name, such as "is cut short".
"""
