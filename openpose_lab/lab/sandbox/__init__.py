"""The sandbox: a merge runs in a process of its own, with limits."""
