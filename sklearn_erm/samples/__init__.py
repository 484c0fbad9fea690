"""All that is as long as the data: X, and what is computed with it."""
