"""The networks: what each one is, where its weights come from, and how it runs."""

from openpose_lab.networks.catalogue import NETWORKS

__all__ = ["DEFAULT_NETWORK", "NETWORKS"]

DEFAULT_NETWORK = "lightweight"
"""The network of the programs. Its weights come with the project."""
