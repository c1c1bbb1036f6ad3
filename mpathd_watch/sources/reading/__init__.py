"""What every source needs in order to read: a worker with a deadline, attributes, the presence of a daemon."""
