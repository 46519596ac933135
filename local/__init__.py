"""AWS's jobs on one machine: API Gateway, its JWT authorizer, a sign-in, PostgreSQL and Redis."""
