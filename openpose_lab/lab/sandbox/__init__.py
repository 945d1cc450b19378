"""The sandbox: runs a merge in its own process, with limits."""
