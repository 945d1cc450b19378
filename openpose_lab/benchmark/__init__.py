"""How fast everything is on this machine: a library; the command ``benchmark`` prints what it measures."""
