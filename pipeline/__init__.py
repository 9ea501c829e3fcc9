"""The flow: settings, stages, schedule, commands, reports."""
