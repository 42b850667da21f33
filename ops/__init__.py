"""Day-2 commands, `python -m ops COMMAND`. None of them is needed by `pulumi up`."""
