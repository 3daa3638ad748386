"""The same steps as in the window, from the command line."""
