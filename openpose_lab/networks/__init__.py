"""The networks: their layouts and graphs, their weights, and how they run."""

from openpose_lab.networks.catalogue import NETWORKS

__all__ = ["DEFAULT_NETWORK", "NETWORKS"]

DEFAULT_NETWORK = "lightweight"
"""The name of the network that programs use by default. Its weights come with the project."""
