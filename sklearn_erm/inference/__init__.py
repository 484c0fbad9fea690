"""What the fit says beyond its coefficients: priors, posteriors, predictive standard deviations."""
