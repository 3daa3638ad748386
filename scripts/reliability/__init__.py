"""What makes the figures of docs/reliability.md; ``python -m scripts.reliability --help``."""
