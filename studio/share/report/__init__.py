"""The report: all that is known of a run on one page of HTML that needs nothing else, to read, print or send."""
