"""The wizard: five pages that fill in a draft of a schedule, each with an address of its own."""
