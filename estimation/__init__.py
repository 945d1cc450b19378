"""From heatmaps and part affinity fields (PAFs) to people. This package never imports TensorFlow."""
