"""Functions on this machine as Lambda runs them: one sample event, one answer."""
