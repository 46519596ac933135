"""API Gateway and what stands around it, on any machine: routes, tokens, events, schedules."""
