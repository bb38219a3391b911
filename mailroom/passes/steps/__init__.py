"""Make the steps of a pass; `mailroom.passes.work` calls them one after the other."""
