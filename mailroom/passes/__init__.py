"""One execution, step by step: claim, gate, render, deliver, settle. The flow in `flows/` only wires these together."""
