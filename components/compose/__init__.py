"""The services of a team's own compose file on a Docker host over ssh."""
