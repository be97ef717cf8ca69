"""What every front door shares: health, request identity, jobs with progress."""
