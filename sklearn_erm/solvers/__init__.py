"""The library's own algorithms, each a custom method for ``scipy.optimize.minimize``."""
