"""HTTP: requests, responses, problems, conditions, identity, documents ready to send."""
