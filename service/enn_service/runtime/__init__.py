"""One model in this process: registry, session, row checks and encoders."""
