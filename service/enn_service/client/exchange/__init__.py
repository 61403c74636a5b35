"""Exchange of requests and responses: the steps of a call, its deadline, and the connections."""
