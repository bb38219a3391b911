"""Send one alert by its route: a mail through a connection, a signed request, or a notification."""
