"""The application on Kubernetes."""
