"""The pages in a real Chromium, over a database that was filled for it: for pictures, measurements and tests."""
