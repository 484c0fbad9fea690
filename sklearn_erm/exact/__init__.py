"""Methods that need every sample at hand: homotopy, linear programs, the dual of a proximal step."""
