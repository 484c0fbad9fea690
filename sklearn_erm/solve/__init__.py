"""From an objective to its certified minimum: reduce, choose a method, run it, certify."""
