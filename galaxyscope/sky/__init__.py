"""Pictures of the sky: reading them, their geometry, and how they are drawn."""
