"""What is really there, and how it behaves: the truth of a simulation. Nothing here knows the product."""
