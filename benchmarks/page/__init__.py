"""The page of figures: pure, figures in, text out."""
