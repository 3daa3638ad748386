"""Networks: architectures, model cards, loading, preprocessing, answers."""
