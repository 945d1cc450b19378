"""Photo -> maps: the networks, their weights, and one way to call them.

Importing this package is cheap; TensorFlow is loaded when a network is built.
"""

from models.loading import load_network
from models.networks import NETWORKS, create_openpose

__all__ = ["NETWORKS", "create_openpose", "load_network"]
