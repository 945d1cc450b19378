"""The networks: what each one is, where its weights come from, and how it runs."""

from openpose_lab.networks.catalogue import NETWORKS

__all__ = ["DEFAULT_NETWORK", "NETWORKS"]

DEFAULT_NETWORK = "mobilenet_thin"
"""The network of the programs: its weights are fetched on first use, and it is the fastest."""
