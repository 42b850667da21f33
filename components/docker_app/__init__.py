"""The application on a Docker host over ssh."""
