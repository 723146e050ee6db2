"""The camera service: frames from cameras, answers from inference, events for the bus."""
