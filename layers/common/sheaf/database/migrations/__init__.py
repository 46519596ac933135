"""The migrations, one module each, in versions/."""
