"""Tests of the simulator: of its world, and of that world beside the lab's records."""
