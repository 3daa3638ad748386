"""The window: canvas, panels, one bridge from jobs to signals, one table of actions."""
