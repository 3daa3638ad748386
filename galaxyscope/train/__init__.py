"""Training of the shipped networks: recipes, data, augmentation, loop, evaluation."""
