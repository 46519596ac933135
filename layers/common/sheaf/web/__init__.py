"""The web: events in, responses out, problem details, identity."""
