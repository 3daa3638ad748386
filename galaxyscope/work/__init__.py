"""Background work: lanes, jobs, progress, cancellation; standard library only."""
