"""Measure the pages in a real Chromium: how soon they are painted, how heavy they are, and how quickly people work."""
