"""Commands on a published model: inspect, report, export as a plain file, sign."""
