"""What a drill shows: a display while it runs, and its report."""
