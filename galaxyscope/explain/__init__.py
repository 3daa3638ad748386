"""Where the network looked: explainers, one protocol, one registry."""
