"""The settings by what they are about; `mailroom.settings.Settings` has them all."""
