"""The loss of every training row at every step: kept while a run trains, read to say which rows look wrong."""
