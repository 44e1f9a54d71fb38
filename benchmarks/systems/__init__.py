"""The systems that are measured: how each is started, what it can be asked and how."""
