"""The removal of what is past its time, over many executions and beside runs that go on."""
