"""`netra bench`: what Netra costs on this machine, each figure beside what the same work costs without Netra."""
