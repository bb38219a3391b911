"""Say what the page of one schedule needs beside the actions that REST has too."""
