"""The Data tab's sections."""
