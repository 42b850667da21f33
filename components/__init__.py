"""The parts a stack is made of: settings, pure helpers, and one file for each component."""
