"""What a schedule's owner should know about it besides that it is valid. Warnings only: nothing here stops a save."""
