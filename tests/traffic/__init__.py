"""I/O on a map of simulated paths, which the core judges: healthy traffic of many kinds, and slow paths."""
