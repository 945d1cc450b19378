"""Heatmaps and part affinity fields in, people out: array code that never imports TensorFlow."""
