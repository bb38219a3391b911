"""Work on an execution step by step: claim, gate, render, deliver, settle. The flow only wires these together."""
