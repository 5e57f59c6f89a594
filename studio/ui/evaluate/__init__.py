"""The Evaluate tab: is tuning needed, what does a run score, which rows changed, has new data drifted."""
