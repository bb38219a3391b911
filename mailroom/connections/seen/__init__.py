"""Say what people are told of connections: as whom they send, and what uses them."""
