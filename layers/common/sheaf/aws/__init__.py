"""AWS: its services' interfaces, and logins signed without a call."""
