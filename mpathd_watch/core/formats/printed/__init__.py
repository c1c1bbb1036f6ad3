"""What tools print for people, as support bundles keep it: text in, facts out.

Pure. Nothing here raises on any input, and everything takes time proportional to the input. A text may be truncated, or
be an error message: what is not understood is left out.
"""
