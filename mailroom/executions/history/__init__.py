"""Say what people look up of executions: how far one is, how long they take, and which match what is searched for."""
